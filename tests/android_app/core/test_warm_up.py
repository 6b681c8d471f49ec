"""The app and this package end a warm-up at the same run, for the same reason."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from swiftformer_keras.benchmark.warm_up import judge
from tests.android_app.core.kotlin import CoreTool, build
from tests.android_app.maven import MissingError
from tests.harness import absent


@pytest.mark.slow
def test_the_app_and_python_agree_on_when_a_process_is_warm(tmp_path: Path) -> None:
    chance = random.Random(8)
    lists = []
    for _ in range(3000):
        middle, scatter, drift = (
            chance.choice([0.2, 3, 30, 500, 1300]),
            chance.choice([0, 0.01, 0.05]),
            chance.random(),
        )
        count = chance.choice([0, 1, 7, 8, 9, 23, 24, 32, 40, 392, 400, 408])
        lists.append(
            [middle * (1 + drift * 0.8**run) * chance.lognormvariate(0, scatter) for run in range(count)]
        )
    (tmp_path / "lists.json").write_text(json.dumps(lists))
    try:
        tool = CoreTool(build())
    except MissingError as error:
        absent(str(error))
    ran = tool.run("warm-up", str(tmp_path / "lists.json"))
    assert ran.returncode == 0, ran.stderr[-3000:]
    theirs = json.loads(ran.stdout)
    ours = [judge(runs).value for runs in lists]
    assert {*ours} == {"more", "stable", "limit"}
    assert theirs == ours
