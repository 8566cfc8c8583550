/* SPDX-License-Identifier: GPL-2.0 */
#include "calculator.h"

enum { MOST = 256 };

static struct {
  enum operation operation;
  long number;
  long* place;
} code[MOST];
static int length;

void clear_code(void) { length = 0; }

void emit(enum operation operation, long number, long* place) {
  if (length == MOST) {
    printf("too long a line\n");
    exit(1);
  }
  code[length].operation = operation;
  code[length].number = number;
  code[length].place = place;
  length++;
}

long run_code(void) {
  long stack[MOST];
  int top = -1;
  int i;

  for (i = 0; i < length; i++) {
    switch (code[i].operation) {
      case PUSH:
        stack[++top] = code[i].number;
        break;
      case LOAD:
        stack[++top] = *code[i].place;
        break;
      case STORE:
        *code[i].place = stack[top];
        break;
      case ADD:
        top--;
        stack[top] += stack[top + 1];
        break;
      case SUBTRACT:
        top--;
        stack[top] -= stack[top + 1];
        break;
      case MULTIPLY:
        top--;
        stack[top] *= stack[top + 1];
        break;
      case DIVIDE_BY:
        top--;
        if (!stack[top + 1]) {
          printf("division by zero\n");
          exit(1);
        }
        stack[top] /= stack[top + 1];
        break;
    }
  }
  return stack[0];
}
