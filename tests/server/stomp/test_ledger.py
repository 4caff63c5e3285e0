"""What waits for an ACK, by itself."""

from __future__ import annotations

from locshare_ext.server.stomp.acks import Claim, Ledger, make_ledger, put_back


def ledger(mode: str = "client", version: str = "1.2", most: int = 3, count: int = 3) -> Ledger:
    made = Ledger("s@1", mode, version, most)  # type: ignore[arg-type]
    for number in range(count):
        made.add(f"m{number}", number)
    return made


class Owner:
    def __init__(self, kept: Ledger) -> None:
        self.ledger = kept


def test_auto_has_none():
    assert make_ledger("0", "auto", "1.2", 10) is None
    assert make_ledger("0", "client", "1.2", 10).most == 10


def test_headers_are_of_1_2_only():
    assert ledger(count=0).add("m", 1) == (("ack", "m@s@1"),)
    assert ledger(count=0).add("m", 1, delivery=3) == (("ack", "m.3@s@1"),)
    for version in ("1.0", "1.1"):
        assert ledger(version=version, count=0).add("m", 1, delivery=3) == ()


def test_room():
    found = ledger()
    assert (found.room, len(found), found.first) == (0, 3, 0)
    found.add("more", 9)  # a snapshot may be over it
    assert found.room == 0
    found.claim("m1")
    assert (found.room, found.first) == (1, 2)
    assert ledger(count=0).first is None


def test_client_means_all_up_to_it_and_individual_the_one():
    assert ledger().claim("m1") == [("m0", 0), ("m1", 1)]
    assert ledger("client-individual").claim("m1") == [("m1", 1)]


def test_claims_are_put_back_in_their_order():
    found = ledger("client-individual")
    owner = Owner(found)
    claims = [Claim(owner, found.claim(name), True) for name in ("m2", "m0")]  # type: ignore[arg-type]
    found.add("m3", 3)
    put_back(claims)
    assert [found.claim(f"m{number}") for number in range(4)] == [[(f"m{n}", n)] for n in range(4)]
    found = ledger("client")
    put_back([Claim(Owner(found), found.claim("m1"), False)])  # type: ignore[arg-type]
    assert found.claim("m2") == [("m0", 0), ("m1", 1), ("m2", 2)]
