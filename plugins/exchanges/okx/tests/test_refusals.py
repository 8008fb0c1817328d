"""What every documented code proves about an order."""

from __future__ import annotations

import pytest

from hft import Ruling
from hft_okx.refusals import explain, verdict

REFUSED = (
    *("51000", "51001", "51004", "51005", "51006", "51137", "51138", "51008", "51131", "51502", "51020"),
    *("51120", "51121", "51021", "51022", "51027", "51025", "51010", "51169", "51170", "51400", "51401"),
    *("51402", "51410", "51503", "51509", "51510", "51511", "51513", "51202", "51203", "51071", "54036"),
    *("50101", "50103", "50107", "50111", "50113", "50114", "50119", "60012", "60013", "60018", "64003"),
)


@pytest.mark.parametrize("code", REFUSED)
def test_what_was_looked_at_was_refused(code: str) -> None:
    assert verdict(code) is Ruling.REFUSED
    assert explain(code, "")


@pytest.mark.parametrize("code", ["50001", "50013", "50026", "50004", "51149", "51011", "51016"])
def test_what_timed_out_or_exists_already_is_unknown(code: str) -> None:
    assert verdict(code) is Ruling.UNKNOWN


@pytest.mark.parametrize("code", ["50011", "50061", "60014", "50036", "50037", "50102", "60006", "60011"])
def test_what_was_turned_away_may_be_sent_again(code: str) -> None:
    assert verdict(code) is Ruling.NOT_TAKEN


@pytest.mark.parametrize(
    ("status", "found"),
    [
        (429, Ruling.NOT_TAKEN),
        (403, Ruling.NOT_TAKEN),
        (400, Ruling.REFUSED),
        (404, Ruling.REFUSED),
        (408, Ruling.UNKNOWN),
        (500, Ruling.UNKNOWN),
        (502, Ruling.UNKNOWN),
        (504, Ruling.UNKNOWN),
        (200, Ruling.UNKNOWN),
    ],
)
def test_a_status_without_a_code(status: int, found: Ruling) -> None:
    assert verdict("0", status) is found


def test_the_exchanges_words_come_first() -> None:
    assert explain("51008", "Order failed.") == "Order failed."
    assert explain("59999", "") == "code 59999"
