# SPDX-License-Identifier: GPL-2.0-or-later
"""The test bench: guests, host disks and machines to boot them in. Only the standard library, Python 3.11."""
