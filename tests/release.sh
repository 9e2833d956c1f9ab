#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Makes a folder that can be published as a release; see --help and docs/release.md.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# From wherever it is called: --output and --sign are relative to there.
PYTHONPATH=$root exec /usr/bin/python3 -P -m tests.support.release "$@"
