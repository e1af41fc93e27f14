"""checkov's opinion of what is rendered; where the chart does otherwise, the reason stands here."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.chart.rendering import REPOSITORY, Values, render

CHECKOV = Path(os.environ.get("CHECKOV", REPOSITORY / ".venv-checkov" / "bin" / "checkov"))

WE_DO_OTHERWISE = {
    "CKV_K8S_11": "no CPU limit: what is throttled renews and starts late; the request is what others are kept safe by",
    "CKV_K8S_15": "not always pulled: a tag names one image for ever, and a pod must start without a registry",
    "CKV_K8S_43": "no digest: the chart's version names the image's; image.digest is there for those who mirror it",
    "CKV2_K8S_6": "no NetworkPolicy unless asked for: which jobs may talk to whom only their owner knows",
}
OF_THE_TEST_POD = {
    "CKV_K8S_8": "no liveness probe: it ends by itself",
    "CKV_K8S_9": "no readiness probe: nobody waits for it to serve",
}


HARDENED = {
    "networkPolicy": {"enabled": True},
    "image": {"digest": f"sha256:{'0' * 64}", "pullPolicy": "Always"},
}


def _failed(values: Values, folder: Path) -> set[tuple[str, str]]:
    """The checks that fail, and of which kind of object."""
    if not CHECKOV.exists():
        pytest.fail(f"no {CHECKOV}; `make test-chart` installs it, from requirements/checkov.txt")
    manifests = folder / "manifests.yaml"
    manifests.write_text(yaml.safe_dump_all(render(values).objects))
    command = [CHECKOV, "--framework", "kubernetes", "--file", manifests, "--output", "json", "--quiet", "--compact"]
    offline = {**os.environ, "BC_SKIP_MAPPING": "TRUE", "CHECKOV_RUN_SCA_PACKAGE_SCAN_V2": "false"}
    done = subprocess.run(
        [*command, "--skip-download", "--soft-fail"], capture_output=True, text=True, env=offline, check=True
    )
    found = json.loads(done.stdout)["results"]["failed_checks"]
    return {(check["check_id"], "test" if check["resource"].endswith("-test") else "own") for check in found}


def test_it_objects_to_nothing_but_what_we_do_otherwise_for_a_reason(tmp_path: Path) -> None:
    failed = _failed({}, tmp_path)

    assert {check for check, whose in failed if whose == "own"} == WE_DO_OTHERWISE.keys()
    assert {check for check, whose in failed if whose == "test"} == WE_DO_OTHERWISE.keys() | OF_THE_TEST_POD.keys()


def test_with_a_network_policy_a_digest_and_pulls_only_the_cpu_limit_is_left(tmp_path: Path) -> None:
    failed = _failed(HARDENED, tmp_path)

    assert {check for check, whose in failed if whose == "own"} == {"CKV_K8S_11"}
