/* SPDX-License-Identifier: GPL-2.0 */
#include "calculator.h"

enum { SLOTS = 64 };

static struct {
  char* name;
  long value;
} table[SLOTS];

static unsigned int hash(const char* name) {
  unsigned int h = 2166136261u;

  for (; *name; name++) h = (h ^ (unsigned char)*name) * 16777619u;
  return h;
}

long* variable(const char* name) {
  unsigned int slot = hash(name) % SLOTS;
  int tried;

  for (tried = 0; tried < SLOTS; tried++, slot = (slot + 1) % SLOTS) {
    if (!table[slot].name) table[slot].name = strdup(name);
    if (!strcmp(table[slot].name, name)) return &table[slot].value;
  }
  printf("too many variables\n");
  exit(1);
  return 0;
}
