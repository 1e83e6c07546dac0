// What the cores give for signature checks alone, with the check of core/verify: one thread a core,
// nothing else in the loop but, with `--signing yes`, the signing of the statement that is checked,
// as whoever generates load on the same cores must do. Prints one JSON object.
#include <cstdio>
#include <stdexcept>
#include <thread>

#include "core/cbor/writer.h"
#include "parts/options.h"
#include "parts/samples.h"
#include "parts/signing-agent.h"

namespace kudurru::bench {
namespace {

constexpr std::string_view kStatementType = "application/kudurru-statement+cose";
constexpr size_t kMessagesKept = 64;

struct Signed {
  std::vector<uint8_t> message;
  std::array<uint8_t, kSignatureSizeBytes> signature;
};

// Bytes to be signed of a statement's size and form.
void signStatement(const SigningAgent& agent, uint64_t sequence, Signed& out) {
  std::vector<uint8_t> payload;
  cbor::Writer writer(payload);
  const Hash filler{1};
  writer.writeArray(7).writeUnsigned(1).writeBytes(filler).writeBytes(filler);
  writer.writeUnsigned(sequence).writeBytes(filler).writeUnsigned(1).writeBytes(filler);
  agent.signedBytes(kStatementType, payload, out.message);
  out.signature = agent.signature(out.message);
}

// The checks made; 0 where one of them failed.
uint64_t checkUntil(int64_t endNs, const SigningAgent& agent, bool signing) {
  const auto key = agent.publicKey();
  std::vector<Signed> kept(kMessagesKept);
  for (size_t i = 0; i < kept.size(); ++i) signStatement(agent, i + 1, kept[i]);
  uint64_t checks = 0;
  while (nowNs() < endNs) {
    Signed& next = kept[checks % kMessagesKept];
    if (signing) signStatement(agent, ++checks, next);
    if (!key->verify(next.message, next.signature)) return 0;
    if (!signing) ++checks;
  }
  return checks;
}

int measure(int count, char** words) {
  const Options options(count, words, {"agents", "threads", "seconds", "signing"});
  const std::vector<SigningAgent> agents = readAgents(options.text("agents"));
  const size_t threads = options.number("threads", std::thread::hardware_concurrency(), 1024);
  const auto seconds = static_cast<int64_t>(options.number("seconds", 3, 3600));
  const std::string& signing = options.text("signing");
  if (signing != "yes" && signing != "no") {
    throw std::invalid_argument("option '--signing' is yes or no");
  }
  const int64_t startedNs = nowNs();
  const int64_t endNs = startedNs + seconds * 1'000'000'000;
  std::vector<uint64_t> checks(threads);
  std::vector<std::thread> running;
  for (size_t i = 0; i < threads; ++i) {
    running.emplace_back(
        [&, i] { checks[i] = checkUntil(endNs, agents[i % agents.size()], signing == "yes"); });
  }
  for (std::thread& thread : running) thread.join();
  const double elapsed = static_cast<double>(nowNs() - startedNs) / 1e9;
  uint64_t sum = 0;
  for (const uint64_t each : checks) {
    if (each == 0) throw std::runtime_error("a signature of our own is not accepted");
    sum += each;
  }
  std::printf("{\"threads\":%zu,\"seconds\":%.3f,\"checks\":%zu,\"perSecond\":%.1f}\n", threads,
              elapsed, static_cast<size_t>(sum), static_cast<double>(sum) / elapsed);
  return 0;
}

}  // namespace
}  // namespace kudurru::bench

int main(int count, char** words) {
  return kudurru::bench::runProgram("bare-verify", kudurru::bench::measure, count, words);
}
