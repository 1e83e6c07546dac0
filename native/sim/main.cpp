// kudurru-sim: runs simulated worlds and prints one JSON line for each. What the words mean is in
// daemon/sim/, whose program builds and calls this one.
//
//   kudurru-sim --seeds FIRST-LAST [--canary NAME] [--trace]
//   kudurru-sim --seeds SEED-SEED --crash-at-call N     one crash, no other fault
//   kudurru-sim --canaries
//
// Exit codes: 0 all invariants held; 1 one was broken; 2 wrong use.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "world.h"

namespace kudurru::sim {
namespace {

constexpr int kBroken = 1;
constexpr int kWrongUse = 2;

struct Words {
  uint64_t first = 1;
  uint64_t last = 1;
  RunOptions options;
  bool listsCanaries = false;
};

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char byte : text) {
    if (byte == '"' || byte == '\\') out.push_back('\\');
    out.push_back(static_cast<uint8_t>(byte) < 0x20 ? ' ' : byte);
  }
  return out + "\"";
}

std::string member(std::string_view name, std::string_view text) {
  return quoted(name) + ":" + quoted(text);
}

std::string member(std::string_view name, uint64_t value) {
  return quoted(name) + ":" + std::to_string(value);
}

void print(const Outcome& outcome, uint64_t crashAtCall) {
  std::string counts;
  for (const auto& [what, count] : outcome.counts) {
    counts += (counts.empty() ? "" : ",") + member(what, count);
  }
  const std::string line =
      "{" + member("seed", outcome.seed) + "," + member("mode", outcome.mode) + "," +
      member("invariant", outcome.invariant) + "," + member("message", outcome.message) + "," +
      member("step", outcome.step) + "," + member("calls", outcome.calls) + "," +
      member("entries", outcome.entries) + "," + member("crashAtCall", crashAtCall) + "," +
      member("traceHash", outcome.traceHash) + ",\"counts\":{" + counts + "}}\n";
  std::fputs(line.c_str(), stdout);
  std::fflush(stdout);
}

void printCanaries() {
  for (const CanaryFacts& facts : canaries()) {
    const std::string line = "{" + member("name", facts.name) + "," +
                             member("invariant", facts.invariant) + "," + member("bug", facts.bug) +
                             "}\n";
    std::fputs(line.c_str(), stdout);
  }
}

bool readSeeds(const char* word, Words* words) {
  char* end = nullptr;
  words->first = words->last = std::strtoull(word, &end, 10);
  if (*end == '-') words->last = std::strtoull(end + 1, &end, 10);
  return *word != '\0' && *end == '\0' && words->first <= words->last;
}

bool readWords(int count, char** given, Words* words) {
  for (int at = 1; at < count; ++at) {
    const std::string_view word = given[at];
    const bool hasValue = at + 1 < count;
    if (word == "--canaries") {
      words->listsCanaries = true;
    } else if (word == "--trace") {
      words->options.prints = true;
    } else if (word == "--seeds" && hasValue) {
      if (!readSeeds(given[++at], words)) return false;
    } else if (word == "--crash-at-call" && hasValue) {
      words->options.isSweep = true;
      words->options.crashAtCall = std::strtoull(given[++at], nullptr, 10);
    } else if (word == "--canary" && hasValue) {
      const auto facts = findCanary(given[++at]);
      if (!facts) return false;
      words->options.canary = facts->canary;
    } else {
      return false;
    }
  }
  return true;
}

int run(int count, char** given) {
  Words words;
  if (!readWords(count, given, &words)) {
    std::fputs(
        "usage: kudurru-sim --seeds FIRST-LAST [--canary NAME] [--crash-at-call N]"
        " [--trace] | --canaries\n",
        stderr);
    return kWrongUse;
  }
  if (words.listsCanaries) {
    printCanaries();
    return 0;
  }
  int code = 0;
  for (uint64_t seed = words.first; seed <= words.last; ++seed) {
    words.options.seed = seed;
    const Outcome outcome = World(words.options).run();
    print(outcome, words.options.crashAtCall);
    if (!outcome.invariant.empty()) code = kBroken;
  }
  return code;
}

}  // namespace
}  // namespace kudurru::sim

int main(int count, char** given) { return kudurru::sim::run(count, given); }
