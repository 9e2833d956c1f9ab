# SPDX-License-Identifier: GPL-2.0-or-later
"""What has no end: power cuts, starts, fuzzing. All of it can be stopped at any moment and goes on where it was."""
