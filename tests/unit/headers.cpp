// SPDX-License-Identifier: GPL-2.0-or-later
// Nothing: the headers that the test programs share are compiled with it (CMakeLists.txt).
