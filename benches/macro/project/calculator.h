/* SPDX-License-Identifier: GPL-2.0 */
/* A calculator, and the few functions of the C library it needs: the guest has no /usr/include. */
#ifndef CALCULATOR_H
#define CALCULATOR_H

typedef unsigned long size_t;
typedef struct file file;
extern file* stdin;
int printf(const char* format, ...);
char* fgets(char* line, int size, file* from);
int strcmp(const char* a, const char* b);
char* strdup(const char* text);
void exit(int status);

enum kind { END, NUMBER, NAME, PLUS, MINUS, TIMES, DIVIDE, OPEN, CLOSE, ASSIGN };

struct token {
  enum kind kind;
  long number;
  char name[32];
};

/* input.c */
const char* next_line(void);
/* token.c */
void start_tokens(const char* line);
struct token* peek_token(void);
struct token* next_token(void);
/* table.c */
long* variable(const char* name);
/* code.c: parses a line into instructions */
void parse_line(void);
/* machine.c */
enum operation { PUSH, LOAD, STORE, ADD, SUBTRACT, MULTIPLY, DIVIDE_BY };
void clear_code(void);
void emit(enum operation operation, long number, long* place);
long run_code(void);

#endif
