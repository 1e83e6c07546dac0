/*
 * A PKCS#11 module in front of another (REAL_MODULE): every call passes unchanged, but one for
 * which there is a gate in the folder GATES, a file "C_Sign.before" or "C_Sign.after". That call
 * turns the file into "reached" and never returns. Gates are seen at each call anew.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* PKCS#11 v2.40: arguments and results are words, a call has at most eight of them. */
typedef unsigned long word;
typedef word (*call)(word, word, word, word, word, word, word, word);

/* CK_FUNCTION_LIST: the version, then the functions in the order of the standard (§4.6). */
struct list {
  unsigned char version[2];
  call functions[68];
};

enum {
  initToken = 9,
  initPin = 10,
  signInit = 42,
  sign = 43,
  generateKey = 58,
  generateKeyPair = 59
};

static struct list real;
static struct list gated;

static void pass(const char *name, const char *when) {
  char gate[4096];
  if (snprintf(gate, sizeof gate, "%s/%s.%s", GATES, name, when) >= (int)sizeof gate) return;
  if (rename(gate, GATES "/reached") != 0) return;
  for (;;) pause();
}

#define GATE(function, index)                                                            \
  static word function(word a, word b, word c, word d, word e, word f, word g, word h) { \
    pass(#function, "before");                                                           \
    word result = real.functions[index](a, b, c, d, e, f, g, h);                         \
    pass(#function, "after");                                                            \
    return result;                                                                       \
  }

GATE(C_InitToken, initToken)
GATE(C_InitPIN, initPin)
GATE(C_SignInit, signInit)
GATE(C_Sign, sign)
GATE(C_GenerateKey, generateKey)
GATE(C_GenerateKeyPair, generateKeyPair)

word C_GetFunctionList(struct list **given);

word C_GetFunctionList(struct list **given) {
  void *module = dlopen(REAL_MODULE, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
  if (module == NULL) return 5; /* CKR_GENERAL_ERROR */
  word (*get)(struct list **);
  *(void **)&get = dlsym(module, "C_GetFunctionList");
  struct list *found;
  word result = get(&found);
  if (result != 0) return result;
  memcpy(&real, found, sizeof real);
  gated = real;
  gated.functions[initToken] = C_InitToken;
  gated.functions[initPin] = C_InitPIN;
  gated.functions[signInit] = C_SignInit;
  gated.functions[sign] = C_Sign;
  gated.functions[generateKey] = C_GenerateKey;
  gated.functions[generateKeyPair] = C_GenerateKeyPair;
  *given = &gated;
  return 0;
}
