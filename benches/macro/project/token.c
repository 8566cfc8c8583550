/* SPDX-License-Identifier: GPL-2.0 */
#include "calculator.h"

static const char* at;
static struct token now;

static int is_digit(char c) { return c >= '0' && c <= '9'; }

static int is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

static void read_token(void) {
  static const char signs[] = "+-*/()=";
  static const enum kind kinds[] = {PLUS, MINUS, TIMES, DIVIDE, OPEN, CLOSE, ASSIGN};
  int i = 0;

  while (*at == ' ') at++;
  now.kind = END;
  if (is_digit(*at)) {
    now.kind = NUMBER;
    now.number = 0;
    for (; is_digit(*at); at++) now.number = 10 * now.number + (*at - '0');
  } else if (is_letter(*at)) {
    now.kind = NAME;
    for (; is_letter(*at) && i < (int)sizeof(now.name) - 1; at++) now.name[i++] = *at;
    now.name[i] = 0;
  } else {
    for (i = 0; signs[i]; i++) {
      if (signs[i] == *at) {
        now.kind = kinds[i];
        at++;
        break;
      }
    }
  }
}

void start_tokens(const char* line) {
  at = line;
  read_token();
}

struct token* peek_token(void) {
  return &now;
}

struct token* next_token(void) {
  static struct token last;

  last = now;
  read_token();
  return &last;
}
