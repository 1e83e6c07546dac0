// Agents that hand in actions as fast as the ledger takes them, or one at a time: fresh salts,
// envelopes and signatures, made while it runs. One thread for all connections. Prints one JSON
// object and writes every receipt to a file; ends by itself.
#include <sys/epoll.h>
#include <sys/resource.h>

#include <cstdio>
#include <memory>
#include <stdexcept>

#include "core/journal/big-endian.h"
#include "core/submission/submission.h"
#include "parts/agent-link.h"
#include "parts/options.h"

namespace kudurru::bench {
namespace {

constexpr uint64_t kSubmissionsMax = uint64_t{1} << 22;
constexpr uint64_t kSecondsMax = 3600;
constexpr int kStepMs = 100;
// After the last submission, for its answer.
constexpr int64_t kDrainNs = 60'000'000'000;

struct Load {
  std::string socketPath, agentsFile, receiptsFile;
  size_t connections;
  SubmissionForm form;
  size_t depth;
  int64_t durationNs;
  uint64_t submissionsLeft;
};

Load loadOf(int count, char** words) {
  const Options options(count, words,
                        {"socket", "agents", "receipts", "connections", "actions", "body-bytes",
                         "depth", "seconds", "submissions"});
  Load load;
  load.socketPath = options.text("socket");
  load.agentsFile = options.text("agents");
  load.receiptsFile = options.text("receipts");
  load.connections = options.number("connections", 8, 4096);
  load.form.actions = options.number("actions", 1, submission::kActionsMax);
  load.form.bodySizeBytes = options.number("body-bytes", 512, submission::kBodySizeBytesMax);
  load.depth = options.number("depth", 16, 1024);
  load.durationNs =
      static_cast<int64_t>(options.number("seconds", 10, kSecondsMax)) * 1'000'000'000;
  load.submissionsLeft = options.number("submissions", kSubmissionsMax, kSubmissionsMax);
  return load;
}

class Run {
 public:
  explicit Run(const Load& load)
      : load_(load), agents_(readAgents(load.agentsFile)), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    if (!epoll_) throw std::runtime_error("no epoll descriptor");
    if (agents_.size() < load.connections) {
      throw std::runtime_error("fewer agents than connections: each has its own");
    }
    for (uint32_t i = 0; i < load.connections; ++i) {
      const LinkOptions options{load.socketPath, i, load.form, load.depth};
      links_.push_back(std::make_unique<AgentLink>(options, agents_[i], result));
      watch(i, EPOLL_CTL_ADD);
    }
  }

  void submit() {
    startedNs = nowNs();
    const int64_t endNs = startedNs + load_.durationNs;
    for (size_t i = 0; i < links_.size(); ++i) pump(i);
    while (nowNs() < endNs && load_.submissionsLeft != 0) step(true);
    load_.submissionsLeft = 0;
    stepUntil([](const AgentLink& link) { return link.inFlight() == 0; });
  }

  // The ledger refuses the rest of a session that it has refused something of: that stays open.
  void closeAll() {
    for (const auto& link : links_) {
      if (!link->isRefused()) link->close();
    }
    stepUntil([](const AgentLink& link) { return link.isClosed() || link.isRefused(); });
  }

  const std::vector<std::unique_ptr<AgentLink>>& links() const { return links_; }

  LoadResult result;
  int64_t startedNs = 0;

 private:
  void watch(size_t i, int operation) {
    epoll_event event{};
    event.events = EPOLLIN | (links_[i]->wantsToSend() ? EPOLLOUT : 0u);
    event.data.u64 = i;
    if (epoll_ctl(epoll_.get(), operation, links_[i]->socket(), &event) != 0) {
      throw std::runtime_error("epoll refuses a socket");
    }
  }

  void pump(size_t i) {
    const bool wanted = links_[i]->wantsToSend();
    links_[i]->pump(load_.submissionsLeft);
    if (links_[i]->wantsToSend() != wanted) watch(i, EPOLL_CTL_MOD);
  }

  void step(bool pumping) {
    epoll_event events[64];
    const int count = epoll_wait(epoll_.get(), events, 64, kStepMs);
    for (int i = 0; i < count; ++i) {
      const size_t number = events[i].data.u64;
      if (links_[number]->isClosed()) continue;
      if ((events[i].events & ~EPOLLOUT) != 0) links_[number]->receive();
      if (pumping) pump(number);
    }
  }

  template <class Done>
  void stepUntil(Done done) {
    const int64_t giveUpNs = nowNs() + kDrainNs;
    for (const auto& link : links_) {
      while (!done(*link)) {
        if (nowNs() > giveUpNs)
          throw std::runtime_error("the ledger leaves submissions unanswered");
        step(true);
      }
    }
  }

  Load load_;
  std::vector<SigningAgent> agents_;
  intake::Descriptor epoll_;
  std::vector<std::unique_ptr<AgentLink>> links_;
};

// Records of 96 bytes, integers big-endian, in the order of KeptReceipt.
void writeReceipts(const std::string& path, const std::vector<KeptReceipt>& receipts) {
  std::FILE* file = std::fopen(path.c_str(), "wbx");
  if (file == nullptr) throw std::runtime_error("'" + path + "' cannot be made");
  bool written = true;
  for (const KeptReceipt& receipt : receipts) {
    std::array<uint8_t, 96> record;
    put32(record.data(), receipt.connection);
    put32(record.data() + 4, receipt.count);
    put64(record.data() + 8, receipt.firstSequence);
    put64(record.data() + 16, receipt.firstIndex);
    put64(record.data() + 24, receipt.treeSize);
    std::copy(receipt.root.begin(), receipt.root.end(), record.begin() + 32);
    std::copy(receipt.statementHash.begin(), receipt.statementHash.end(), record.begin() + 64);
    written = written && std::fwrite(record.data(), record.size(), 1, file) == 1;
  }
  if (std::fclose(file) != 0 || !written) {
    throw std::runtime_error("'" + path + "' cannot be written");
  }
}

double cpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void print(Run& run) {
  LoadResult& result = run.result;
  const double seconds = static_cast<double>(result.lastReceiptNs - run.startedNs) / 1e9;
  std::vector<uint64_t> committed;
  for (const auto& link : run.links()) committed.push_back(link->committed());
  std::sort(committed.begin(), committed.end());
  std::string refusals;
  for (const auto& [code, count] : result.refusals) {
    refusals += (refusals.empty() ? "\"" : ",\"") + code + "\":" + std::to_string(count);
  }
  std::printf("{\"submitted\":%zu,\"committed\":%zu,\"actions\":%zu,\"seconds\":%.6f,",
              static_cast<size_t>(result.submitted), result.receipts.size(),
              static_cast<size_t>(result.actionsCommitted), seconds);
  std::printf("\"latency\":%s,\"refusals\":{%s},", result.latency.json().c_str(), refusals.c_str());
  std::printf("\"slowestConnection\":%zu,\"medianConnection\":%zu,\"cpuSeconds\":%.3f}\n",
              static_cast<size_t>(committed.front()),
              static_cast<size_t>(committed[committed.size() / 2]), cpuSeconds());
}

int generate(int count, char** words) {
  const Load load = loadOf(count, words);
  Run run(load);
  run.submit();
  run.closeAll();
  if (run.result.receipts.empty()) throw std::runtime_error("the ledger gave no receipt");
  writeReceipts(load.receiptsFile, run.result.receipts);
  print(run);
  return 0;
}

}  // namespace
}  // namespace kudurru::bench

int main(int count, char** words) {
  return kudurru::bench::runProgram("load-generator", kudurru::bench::generate, count, words);
}
