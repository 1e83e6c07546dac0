// How long a ledger takes to be ready again, from what is in its folder now: a log that was not
// stopped is what a kill leaves. Opens it as the daemon does, in this process, and lets go of it
// without a word, so that it can be run again. Prints one JSON object.
#include <chrono>
#include <cstdio>
#include <stdexcept>

#include "core/fsck/fsck.h"
#include "core/ledger/ledger.h"
#include "parts/options.h"

namespace kudurru::bench {
namespace {

void require(const Status& status) {
  if (!status.ok()) throw std::runtime_error(status.message);
}

int measure(int count, char** words) {
  const Options options(count, words, {"folder"});
  const auto storage = posixStorage();
  LedgerOptions ledgerOptions;
  ledgerOptions.folder = options.text("folder");
  require(fsck::readLedgerId(*storage, ledgerOptions.folder, &ledgerOptions.ledgerId));
  const auto started = std::chrono::steady_clock::now();
  std::unique_ptr<Ledger> ledger;
  JournalReport report;
  require(Ledger::open(*storage, ledgerOptions, &ledger, &report));
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - started;
  const LedgerOpening& opening = ledger->opening();
  std::printf(
      "{\"entries\":%llu,\"records\":%llu,\"replayedRecords\":%llu,\"snapshot\":%lld,"
      "\"openMs\":%.1f}\n",
      static_cast<unsigned long long>(ledger->state().size()),
      static_cast<unsigned long long>(report.nextRecord),
      static_cast<unsigned long long>(opening.replayedRecords),
      opening.snapshot ? static_cast<long long>(*opening.snapshot) : -1LL, took.count());
  for (const std::string& note : ledger->takeNotes()) std::fprintf(stderr, "%s\n", note.c_str());
  return 0;
}

}  // namespace
}  // namespace kudurru::bench

int main(int count, char** words) {
  return kudurru::bench::runProgram("start-time", kudurru::bench::measure, count, words);
}
