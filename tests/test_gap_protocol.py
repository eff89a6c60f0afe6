from pathlib import Path

import pytest
from typer.testing import CliRunner

from avsi.data.datadir import read_datadir
from avsi.data.gap_files import read_gap_file
from avsi.data.gap_protocol import Condition, parse_conditions, read_protocol
from avsi.errors import ConfigError, DataError
from data_prep import gaps

PROTOCOLS = Path(__file__).parents[1] / "evaluation" / "protocols"


def run(*arguments) -> str:
    result = CliRunner().invoke(gaps.app, [str(argument) for argument in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_conditions_are_named_for_what_they_are():
    found = parse_conditions(["random", "150ms", "12.5", "field/gaps_hospital"], Path("x"))
    assert found == [
        Condition("random"),
        Condition("150ms", 150.0),
        Condition("12.5ms", 12.5),
        Condition("hospital", file=Path("x/field/gaps_hospital")),
    ]
    for bad, why in (("0", "a number of ms above 0"), ("nan", "above 0"), ("a b", "letters, digits")):
        with pytest.raises(ConfigError, match=why):
            Condition.parse(bad)
    with pytest.raises(ConfigError, match="condition '200ms' occurs twice"):
        parse_conditions(["200", "200.0"])


def test_the_protocols_that_are_there():
    assert [c.name for c in read_protocol(PROTOCOLS / "paper.yaml")[0]][:3] == ["random", "100ms", "200ms"]
    lengths, seed = read_protocol(PROTOCOLS / "lengths.yaml")
    assert [c.gap_ms for c in lengths] == list(range(100, 1700, 100)) and seed == 0
    assert [c.name for c in read_protocol(PROTOCOLS / "unseen.yaml")[0]] == ["800ms", "1600ms"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("gaps: 200", "expected 'gaps: "),
        ("gaps: []", "expected 'gaps: "),
        ("- 200", "expected 'gaps: "),
        ("gaps: [200]\nsteps: 3", "unknown key 'steps'"),
        ("gaps: [200]\nseed: soon", "seed: 'soon' is not a whole number"),
        ("gaps: [-3]", "a number of ms above 0"),
        ("gaps: [", "not a YAML file"),
    ],
)
def test_a_protocol_that_is_none_is_refused_in_one_line(tmp_path, text, why):
    (tmp_path / "p.yaml").write_text(text)
    with pytest.raises(ConfigError, match=why) as error:
        read_protocol(tmp_path / "p.yaml")
    assert str(tmp_path / "p.yaml") in str(error.value) and "\n" not in str(error.value)
    with pytest.raises(ConfigError, match="no such protocol"):
        read_protocol(tmp_path / "none.yaml")


def test_gaps_are_drawn_once_and_alike(corpus, tmp_path):
    test = tmp_path / "test"
    test.mkdir()
    for name in ("wav.scp", "text", "utt2spk", "utt2dur", "spk2utt"):
        (test / name).write_bytes((corpus / "test" / name).read_bytes())
    (tmp_path / "gaps_field").write_text("".join(f"s04_clip{n} 0.5 0.{n + 6}\n" for n in range(4)))
    (tmp_path / "p.yaml").write_text("gaps: [random, 600, gaps_field]\nseed: 0\n")
    output = run(test, "--protocol", tmp_path / "p.yaml")
    for name in ("random", "600ms"):
        assert read_gap_file(test / f"gaps_{name}") == read_gap_file(corpus / "test" / f"gaps_{name}")
    assert read_gap_file(test / "gaps_field") == read_gap_file(tmp_path / "gaps_field")
    shown = {line.split()[0]: line.split()[1:] for line in output.splitlines() if line.strip()}
    assert shown["600ms"] == ["4", "4", "0.600"] and shown["field"] == ["4", "4", "0.250"]
    run(test, 600, "--seed", 1)
    assert read_gap_file(test / "gaps_600ms") != read_gap_file(corpus / "test" / "gaps_600ms")
    for options in ([], [200, "--protocol", tmp_path / "p.yaml"]):
        with pytest.raises(ConfigError, match="and not both"):
            run(test, *options)


def test_gaps_that_do_not_fit_are_named_with_the_utterance(corpus, tmp_path):
    utterances = read_datadir(corpus / "test")
    (tmp_path / "gaps_late").write_text("".join(f"{u.id} 2.5 {2.6 + n}\n" for n, u in enumerate(utterances)))
    with pytest.raises(DataError, match=r"gaps_late: s04_clip1: gap 2\.5:3\.6: outside the recording"):
        run(corpus / "test", tmp_path / "gaps_late")
    with pytest.raises(DataError, match="5000ms: s04_clip0: a gap of 5000 ms does not fit"):
        run(corpus / "test", 5000)
    (tmp_path / "gaps_few").write_text("s04_clip0 0.1 0.2\n")
    with pytest.raises(DataError, match=r"gaps_few: 3 utterance\(s\) are either in it or in the data directory"):
        run(corpus / "test", tmp_path / "gaps_few")
    assert not list((corpus / "test").glob("gaps_late")) and not (corpus / "test" / "gaps_5000ms").exists()
