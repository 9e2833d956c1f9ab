#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs the tests: tests/run.sh [unit|fuzz|lint|integration|boot|bench|soak]... [--all] [-k EXPRESSION]; see --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. tests/packages.sh
case "${1-}" in -h | --help) ;; *) install_packages ;; esac
exec /usr/bin/python3 -m tests.support.runner "$@"
