/* SPDX-License-Identifier: GPL-2.0 */
#include "calculator.h"

static void parse_sum(void);

static void wrong(const char* what) {
  printf("syntax error: %s\n", what);
  exit(1);
}

static void parse_atom(void) {
  struct token* token = next_token();
  long* place;

  switch (token->kind) {
    case NUMBER:
      emit(PUSH, token->number, 0);
      break;
    case NAME:
      place = variable(token->name);
      if (peek_token()->kind == ASSIGN) {
        next_token();
        parse_sum();
        emit(STORE, 0, place);
      } else {
        emit(LOAD, 0, place);
      }
      break;
    case MINUS:
      emit(PUSH, 0, 0);
      parse_atom();
      emit(SUBTRACT, 0, 0);
      break;
    case OPEN:
      parse_sum();
      if (next_token()->kind != CLOSE) wrong("expected )");
      break;
    default:
      wrong("expected a number, a name or (");
  }
}

static void parse_product(void) {
  parse_atom();
  for (;;) {
    if (peek_token()->kind == TIMES) {
      next_token();
      parse_atom();
      emit(MULTIPLY, 0, 0);
    } else if (peek_token()->kind == DIVIDE) {
      next_token();
      parse_atom();
      emit(DIVIDE_BY, 0, 0);
    } else {
      return;
    }
  }
}

static void parse_sum(void) {
  parse_product();
  for (;;) {
    if (peek_token()->kind == PLUS) {
      next_token();
      parse_product();
      emit(ADD, 0, 0);
    } else if (peek_token()->kind == MINUS) {
      next_token();
      parse_product();
      emit(SUBTRACT, 0, 0);
    } else {
      return;
    }
  }
}

void parse_line(void) {
  parse_sum();
  if (peek_token()->kind != END) wrong("expected the end of the line");
}
