"""Other people's libraries as subjects: their conventions, declared.

A module here is a library. It imports the library when asked, never before, and offers ``subjects(name)``: the subjects
of one class or function by the name the library has for it, or all of them for ``"*"``. Nothing is decided in it: which
parameterizations a class accepts, where it keeps the level of the latent, what it claims to be, is data, and a check
never learns the name of what it checks.

What an adapter must know of a stepper in the style of diffusers, and no more::

    from cfg_equiv.testing import from_scheduler
    from my_library import Stepper

    SPACES = {"eps": "noise", "v": "velocity"}  # our names, and the library's

    def level(stepper, t, index):  # alpha and sigma of the latent the network is shown
        return stepper.alphas[index], stepper.sigmas[index]

    def subjects(name="*"):
        plain = from_scheduler(lambda kind: Stepper(predicts=kind), SPACES, level, state="vp", name="Stepper")
        heun = from_scheduler(lambda kind: Stepper(predicts=kind, heun=True), SPACES, level, state="vp", order=2,
                              name="Stepper[heun=True]", options={"heun": True})
        return [s for s in (plain, heun) if name in ("*", "Stepper")]

``cfg-equiv check my_adapter:subjects`` runs it. A step, in place of a stepper, goes through ``from_step``.
"""
