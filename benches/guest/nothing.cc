// SPDX-License-Identifier: GPL-2.0
//
// The program that the exec benchmarks run. It ends with kChildStatus of micro/processes.h.
int main() { return 7; }
