from real_style import read_cases

CASES = read_cases()


def test_the_cases_are_many_and_about_half_of_them_are_right():
    assert len(CASES) >= 120
    assert len({case.name for case in CASES}) == len({case.query for case in CASES}) == len(CASES)
    for kind in ("vsr", "tallyqa", "gqa", "mathvista", "mme"):
        of_kind = [case.right for case in CASES if case.kind == kind]
        assert len(of_kind) > 15
        assert 0.4 < sum(of_kind) / len(of_kind) < 0.6
    held_out = [case.right for case in CASES if case.held_out]
    assert 0.25 < len(held_out) / len(CASES) < 0.4
    assert 0.4 < sum(held_out) / len(held_out) < 0.6
