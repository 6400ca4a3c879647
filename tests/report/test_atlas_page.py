import re
from html.parser import HTMLParser

import pytest

from cfg_equiv.report.atlas_page import joined, math, page
from tests.report.atlas_records import contradiction, guidance, rule, samplers, solver

VOID = {"meta", "img", "input", "br", "link"}


class Checked(HTMLParser):
    """The text of a page, its addresses, and whether every tag is closed in turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open, self.addresses, self.words = [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.addresses += [value for name, value in attrs if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


def test_the_page_says_what_the_records_say():
    found = Checked(page(samplers(), guidance(), {})).text
    for words in (
        "3 deterministic samplers",
        "2 different maps",
        "comfyui, k-diffusion ✓",
        "-X''/12 · h³",
        "X'/4 · h³",
        "four : no source was found",
        "signed",
        "return u + w * (c - u)",
        "α = 1/2, σ = 1/2, with w = 3 .",
    ):
        assert words.replace(" .", ".") in found or words in found, words


def test_the_page_asks_no_network_and_carries_its_figures():
    text = page(samplers(), guidance(), {"classes": (b"<svg/>", "a caption")})
    addresses = Checked(text).addresses
    assert all(address.startswith(("#", "data:image/svg+xml;base64,")) for address in addresses)
    assert sum(address.startswith("data:") for address in addresses) == 1
    assert "a caption" in text
    assert "http" not in text.replace('http-equiv="Content-Security-Policy"', "")
    assert "default-src 'none'" in text


@pytest.mark.parametrize("evil", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</pre><b>"])
def test_what_is_printed_is_escaped(evil):
    records, rules = samplers(), guidance()
    peer = {"configuration": evil, "version": evil, "status": evil, "detail": evil}
    place = {key: evil for key in contradiction()}
    records["samplers"] = [
        solver("one", "one", 2, (2, 2, 2), source=evil, aliases={evil: evil}, peers=[peer], contradicts=[place])
    ]
    records["classes"] = [["one", evil]]
    records["near_misses"][0] |= {"first": evil, "why": [evil], "leading": evil + "x" * 100}
    records["absent"] = [{"name": evil, "reason": evil}]
    rules["guidance"] = [
        rule(
            evil,
            "D",
            ("x0 eps",),
            code=evil,
            source=evil,
            libraries=[{"library": evil, "does": evil}],
            contradicts=[place],
        )
    ]
    text = page(records, rules, {"classes": (b"", evil)})
    assert evil not in text
    found = Checked(text)
    assert not any(address == "x" for address in found.addresses)


def test_a_part_without_records_is_left_out():
    only = page(None, guidance(), {})
    assert 'id="guidance"' in only
    assert 'id="samplers"' not in only
    assert "samplers.json" not in only
    assert 'id="guidance"' not in page(samplers(), None, {})


def test_a_documentation_that_is_refuted_stands_beside_the_entry_and_at_the_end():
    records, rules = samplers(), guidance()
    records["samplers"][0]["contradicts"] = [contradiction(says="It has order three.")]
    rules["guidance"][3]["contradicts"] = [contradiction(says="It acts on noise.", version=None, line=None)]
    text = page(records, rules, {})
    assert text.count("Its documentation says otherwise") == 2
    end = Checked(text).text.rpartition("Where documentation and proof disagree")[2]
    assert "one a library 1.0, Uno(order=3) says: It has order three. (library/uno.py, line 17)" in end
    assert "clipped a library, Uno(order=3) says: It acts on noise. (library/uno.py)" in end
    assert end.count("print(2) prints 2") == 2
    assert text.rindex('id="documentation"') > text.rindex('id="data"')


def test_without_a_refuted_documentation_there_is_no_such_section():
    text = page(samplers(), guidance(), {})
    assert "documentation" not in text.lower()


def test_orders_below_the_claim_stand_out():
    text = page(samplers(), None, {})
    assert text.count('class="n bad"') == 3
    assert 'class="n good"' not in text


def test_every_table_can_be_filtered_and_sorted_and_serves_dark_screens():
    text = page(samplers(), guidance(), {})
    tables = re.findall(r'<table class="sortable" id="([^"]+)"', text)
    assert tables == ["table-samplers", "table-near", "table-guidance"]
    assert all(f'data-for="{name}"' in text and f'data-count="{name}"' in text for name in tables)
    assert "prefers-color-scheme: dark" in text


def test_formulas_and_vectors_in_plain_text():
    assert math("-X''*h**3/12") == "-X''·h³/12"
    assert math("h^10 + t**(-2)") == "h¹⁰ + t⁻²"
    assert joined(["1/2", ["0", "1"]]) == "(1/2, (0, 1))"
    assert joined("3") == "3"
