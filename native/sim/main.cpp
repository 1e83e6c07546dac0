// kudurru-sim: runs simulated worlds and prints one JSON line for each. What the words mean is in
// daemon/sim/, whose program builds and calls this one.
//
//   kudurru-sim --seeds FIRST-LAST [--canary NAME [--until INVARIANT]] [--trace]
//   kudurru-sim --seeds FIRST-LAST --sweep STRIDE    one crash at every so many calls and steps
//   kudurru-sim --seeds SEED --crash-at-call N, or --crash-at-step N
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
  uint64_t sweepStride = 0;  // 0: no sweep
  std::string_view until;    // ends with the first seed that breaks this invariant
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

void print(const Outcome& outcome, const RunOptions& options) {
  std::string counts;
  for (const auto& [what, count] : outcome.counts) {
    counts += (counts.empty() ? "" : ",") + member(what, count);
  }
  const std::string line =
      "{" + member("seed", outcome.seed) + "," + member("mode", outcome.mode) + "," +
      member("invariant", outcome.invariant) + "," + member("message", outcome.message) + "," +
      member("step", outcome.step) + "," + member("calls", outcome.calls) + "," +
      member("entries", outcome.entries) + "," + member("crashAtCall", options.crashAtCall) + "," +
      member("crashAtStep", options.crashAtStep) + "," + member("traceHash", outcome.traceHash) +
      ",\"counts\":{" + counts + "}}\n";
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

bool readValue(std::string_view word, const char* value, Words* words) {
  if (word == "--seeds") return readSeeds(value, words);
  if (word == "--canary") {
    const auto facts = findCanary(value);
    if (facts) words->options.canary = facts->canary;
    return facts.has_value();
  }
  if (word == "--until") {
    words->until = value;
    return true;
  }
  char* end = nullptr;
  const uint64_t number = std::strtoull(value, &end, 10);
  if (*value == '\0' || *end != '\0') return false;
  words->options.isPlanned = true;
  if (word == "--sweep") words->sweepStride = number;
  if (word == "--crash-at-call") words->options.crashAtCall = number;
  if (word == "--crash-at-step") words->options.crashAtStep = number;
  return word == "--sweep" || word == "--crash-at-call" || word == "--crash-at-step";
}

bool readWords(int count, char** given, Words* words) {
  for (int at = 1; at < count; ++at) {
    const std::string_view word = given[at];
    if (word == "--canaries") {
      words->listsCanaries = true;
    } else if (word == "--trace") {
      words->options.prints = true;
    } else if (at + 1 == count || !readValue(word, given[++at], words)) {
      return false;
    }
  }
  return true;
}

Outcome runOne(const RunOptions& options) {
  const Outcome outcome = World(options).run();
  print(outcome, options);
  return outcome;
}

// The seed without a crash, then with one at each of its calls and steps, as far apart as told.
bool sweep(RunOptions options, uint64_t stride) {
  const Outcome whole = runOne(options);
  bool holds = whole.invariant.empty();
  for (uint64_t call = 1; call <= whole.calls; call += stride) {
    options.crashAtCall = call;
    holds = runOne(options).invariant.empty() && holds;
  }
  options.crashAtCall = 0;
  for (uint64_t step = 1; step <= whole.step; step += stride) {
    options.crashAtStep = step;
    holds = runOne(options).invariant.empty() && holds;
  }
  return holds;
}

int run(int count, char** given) {
  Words words;
  if (!readWords(count, given, &words)) {
    std::fputs("kudurru-sim: wrong use; npm run sim -- --help says more\n", stderr);
    return kWrongUse;
  }
  if (words.listsCanaries) {
    printCanaries();
    return 0;
  }
  bool holds = true;
  for (uint64_t seed = words.first; seed <= words.last; ++seed) {
    words.options.seed = seed;
    if (words.sweepStride != 0) {
      holds = sweep(words.options, words.sweepStride) && holds;
      continue;
    }
    const std::string invariant = runOne(words.options).invariant;
    holds = holds && invariant.empty();
    if (!invariant.empty() && invariant == words.until) break;
  }
  return holds ? 0 : kBroken;
}

}  // namespace
}  // namespace kudurru::sim

int main(int count, char** given) { return kudurru::sim::run(count, given); }
