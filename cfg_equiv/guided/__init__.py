"""What guidance does to samples: trajectories of every rule on closed-form data, and the variances of guided runs."""
