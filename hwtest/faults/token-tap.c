// A PKCS#11 module that passes everything on to another one, and asks before and after each call
// that makes or changes something in the token. What it needs is in a file beside it, its own path
// with ".plan" behind: the module's path, and the socket of whoever is asked; a byte is the answer.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pkcs11/pkcs11.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static CK_FUNCTION_LIST tapped;
static CK_FUNCTION_LIST_PTR real;
static int ask_fd = -1;

static _Noreturn void broken(int line) {
  fprintf(stderr, "token-tap.c:%d: the tap does not work\n", line);
  abort();
}

// One line of the plan, without its end.
static void read_line(FILE *plan, char *line, int size) {
  if (fgets(line, size, plan) == NULL) broken(__LINE__);
  line[strcspn(line, "\n")] = '\0';
}

static void connect_to(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) broken(__LINE__);
  strcpy(address.sun_path, path);
  ask_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (ask_fd < 0 || connect(ask_fd, (struct sockaddr *)&address, sizeof address) != 0)
    broken(__LINE__);
}

static void ask(const char *side, const char *call) {
  char line[256], answer;
  const int length = snprintf(line, sizeof line, "%s\t%s\ttoken\t-\n", side, call);
  if (send(ask_fd, line, (size_t)length, MSG_NOSIGNAL) != length) return;
  (void)!recv(ask_fd, &answer, 1, 0);
}

#define TAP(name, parameters, arguments)       \
  static CK_RV tap_##name parameters {         \
    ask("before", #name);                      \
    const CK_RV result = real->name arguments; \
    ask("after", #name);                       \
    return result;                             \
  }

TAP(C_InitToken, (CK_SLOT_ID a, CK_UTF8CHAR_PTR b, CK_ULONG c, CK_UTF8CHAR_PTR d), (a, b, c, d))
TAP(C_InitPIN, (CK_SESSION_HANDLE a, CK_UTF8CHAR_PTR b, CK_ULONG c), (a, b, c))
TAP(C_SetPIN, (CK_SESSION_HANDLE a, CK_UTF8CHAR_PTR b, CK_ULONG c, CK_UTF8CHAR_PTR d, CK_ULONG e),
    (a, b, c, d, e))
TAP(C_CreateObject, (CK_SESSION_HANDLE a, CK_ATTRIBUTE_PTR b, CK_ULONG c, CK_OBJECT_HANDLE_PTR d),
    (a, b, c, d))
TAP(C_DestroyObject, (CK_SESSION_HANDLE a, CK_OBJECT_HANDLE b), (a, b))
TAP(C_GenerateKey,
    (CK_SESSION_HANDLE a, CK_MECHANISM_PTR b, CK_ATTRIBUTE_PTR c, CK_ULONG d,
     CK_OBJECT_HANDLE_PTR e),
    (a, b, c, d, e))
TAP(C_GenerateKeyPair,
    (CK_SESSION_HANDLE a, CK_MECHANISM_PTR b, CK_ATTRIBUTE_PTR c, CK_ULONG d, CK_ATTRIBUTE_PTR e,
     CK_ULONG f, CK_OBJECT_HANDLE_PTR g, CK_OBJECT_HANDLE_PTR h),
    (a, b, c, d, e, f, g, h))

static void load(void) {
  Dl_info own;
  char path[4096], module[4096], socket_path[4096];
  if (dladdr((void *)load, &own) == 0) broken(__LINE__);
  snprintf(path, sizeof path, "%s.plan", own.dli_fname);
  FILE *plan = fopen(path, "r");
  if (plan == NULL) broken(__LINE__);
  read_line(plan, module, sizeof module);
  read_line(plan, socket_path, sizeof socket_path);
  fclose(plan);
  void *library = dlopen(module, RTLD_NOW | RTLD_LOCAL);
  CK_C_GetFunctionList list;
  if (library == NULL) broken(__LINE__);
  *(void **)&list = dlsym(library, "C_GetFunctionList");
  if (list == NULL || list(&real) != CKR_OK) broken(__LINE__);
  connect_to(socket_path);
  tapped = *real;
  tapped.C_InitToken = tap_C_InitToken;
  tapped.C_InitPIN = tap_C_InitPIN;
  tapped.C_SetPIN = tap_C_SetPIN;
  tapped.C_CreateObject = tap_C_CreateObject;
  tapped.C_DestroyObject = tap_C_DestroyObject;
  tapped.C_GenerateKey = tap_C_GenerateKey;
  tapped.C_GenerateKeyPair = tap_C_GenerateKeyPair;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR list) {
  if (real == NULL) load();
  tapped.C_GetFunctionList = C_GetFunctionList;
  *list = &tapped;
  return CKR_OK;
}
