"""Mini-speech: free sentences, and the corpus of drawn speakers who say them."""

import json
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from conftest import run_app

from avsi.media.sound_reading import read_mono
from avsi.media.video_reading import read_frames
from avsi.rng import generator
from data_prep.drawn_speakers.speakers import random_speaker
from data_prep.drawn_speakers.synthesis import ACCENTS, RATE, VARIANTS, EspeakVoice, speak
from data_prep.mini_speech import __main__ as mini_speech
from data_prep.mini_speech import words
from data_prep.mini_speech.sentences import MAX_WORDS, MIN_WORDS, draw_sentence


def drawn(count: int, seed: int = 0) -> list[tuple[str, ...]]:
    return [draw_sentence(generator(seed, "sentence", number)) for number in range(count)]


def vocabulary() -> set[str]:
    lists = [*vars(words).values()]
    texts = [" ".join(one) if isinstance(one, tuple) else one for of in lists if isinstance(of, tuple) for one in of]
    return {"did", "why", "when", "please"} | {word for text in texts for word in text.lower().split()}


def test_sentences_depend_on_the_seed_alone_and_stay_as_they_are():
    assert [" ".join(words) for words in drawn(3)] == [
        "this round lady danced twice before our mouse smiled",
        "our dirty cat dropped my brush but i noticed my grey dinner",
        "we began at noon",
    ]
    assert drawn(50) == drawn(50) != drawn(50, seed=1)


def test_sentences_are_free():
    sentences = drawn(2000)
    assert len(set(sentences)) > 1950
    assert {len(words) for words in sentences} == set(range(MIN_WORDS, MAX_WORDS + 1))
    counts = Counter(word for words in sentences for word in words)
    assert len(vocabulary()) > 500 and counts.keys() <= vocabulary()
    assert len(counts) > 0.98 * len(vocabulary())
    assert counts["the"] < 0.1 * counts.total()  # no word is heard all the time
    assert len({words[0] for words in sentences}) > 20


def test_words_are_words():
    assert all(word.isalpha() and word.islower() for word in vocabulary())


@pytest.mark.parametrize("accent", ACCENTS)
def test_every_word_can_be_spoken_in_every_accent(accent):
    known, symbols = sorted(vocabulary()), set()
    for start in range(0, len(known), 60):  # of few words at once the phones are found sooner
        said = " ".join(known[start : start + 60])
        samples, phones, _ = speak(said, EspeakVoice(f"{accent}+{VARIANTS[0]}", 110, words_per_min=300))
        symbols |= {phone.symbol for phone in phones}
        assert phones[0].start_s == 0 and phones[-1].end_s == pytest.approx(len(samples) / RATE)
        assert all(one.end_s == two.start_s and one.end_s > one.start_s for one, two in pairwise(phones))
    assert symbols >= {"SH", "NG", "HH", "UH", "OY", "CH"}


def test_accents_differ():
    said = {accent: speak("ask her father", EspeakVoice(f"{accent}+m1", 110))[1] for accent in ("en", "en-us")}
    british, american = (" ".join(phone.symbol for phone in of if phone.symbol != "SIL") for of in said.values())
    assert british == "AA S K HH ER F AA DH AH"
    assert american == "AE S K HH ER F AA DH ER"


def test_a_corpus_of_sound_alone(tmp_path):
    output = run_app(
        mini_speech.app, "--out", tmp_path / "c", "--speakers", 2, "--sentences", 2, "--sound-alone", "--jobs", 1
    )
    assert "2 speakers, 4 recordings" in output
    names = sorted(str(path.relative_to(tmp_path / "c")) for path in (tmp_path / "c").rglob("*.*"))
    of_speaker = [f"{name}.{kind}" for name in ("001", "002") for kind in ("txt", "wav")]
    assert names == ["avsi-corpus.json", *(f"{speaker}/{name}" for speaker in ("s001", "s002") for name in of_speaker)]
    about = json.loads((tmp_path / "c" / "avsi-corpus.json").read_text())
    assert (about["name"], about["id_prefix"]) == ("mini-speech seed 0", "minispeech0-")
    for number in (1, 2):
        for index in (1, 2):
            text = (tmp_path / "c" / f"s{number:03d}" / f"{index:03d}.txt").read_text()
            assert text == " ".join(draw_sentence(generator(0, "sentence", number, index))) + "\n"
    sounds = [read_mono(path, RATE) for path in sorted((tmp_path / "c").rglob("*.wav"))]
    assert len({len(sound) for sound in sounds}) == 4  # each as long as its sentence takes
    for sound in sounds:
        edges = np.concatenate([sound[: RATE // 5], sound[-RATE // 5 :]])
        assert edges.std() < 0.05 * sound.std()  # nobody speaks at either end


def test_no_speaker_is_in_mini_grid_too():
    grid = [random_speaker(0, number) for number in range(1, 35)]
    assert random_speaker(0, mini_speech.BEFORE_FIRST + 1) not in grid


@pytest.mark.slow
def test_a_film_has_its_sound_its_words_and_the_true_face(tmp_path):
    options = ("--speakers", 1, "--sentences", 1, "--jobs", 1)
    run_app(mini_speech.app, "--out", tmp_path / "filmed", *options)
    run_app(mini_speech.app, "--out", tmp_path / "heard", *options, "--sound-alone")
    film = tmp_path / "filmed" / "s001" / "001.mpg"
    sound, alone = read_mono(film, RATE), read_mono(tmp_path / "heard" / "s001" / "001.wav", RATE)
    assert len(sound) == len(alone) and np.corrcoef(sound, alone)[0, 1] > 0.99
    times_s = [time_s for time_s, _ in read_frames(film)]
    truth = np.load(film.with_suffix(".npz"))
    assert truth["time_s"] == pytest.approx(times_s) and truth["points"].shape == (len(times_s), 68, 2)
    assert 0 <= times_s[-1] + 1 / 25 - len(sound) / RATE < 0.05
    # The mouth moves while the speaker speaks.
    opening = truth["points"][:, 66, 1] - truth["points"][:, 62, 1]
    loud = np.array([np.abs(sound[int(t * RATE) : int((t + 0.04) * RATE)]).max() > 0.02 for t in times_s[:-1]])
    assert opening[:-1][loud].mean() > 2 * opening[:-1][~loud].mean()
    assert film.with_suffix(".txt").read_text() == (tmp_path / "heard" / "s001" / "001.txt").read_text()
