// One connection to the agent socket with its session (SPEC.md §6): the handshake blocks, all after
// it does not. Whoever owns the loop calls pump() when the link may send and receive() when the
// socket has bytes.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "core/frame/frame-parser.h"
#include "core/intake/descriptor.h"
#include "samples.h"
#include "submission-maker.h"

namespace kudurru::bench {

// A `committed` answer, with what was sent for it.
struct KeptReceipt {
  uint32_t connection;
  uint32_t count;
  uint64_t firstSequence;
  uint64_t firstIndex;
  uint64_t treeSize;
  Hash root;
  Hash statementHash;
};

// What the links of a run have found out together.
struct LoadResult {
  Samples latency;  // from the first byte sent to the receipt read
  std::vector<KeptReceipt> receipts;
  std::map<std::string, uint64_t> refusals;  // by code
  uint64_t submitted = 0;
  uint64_t actionsCommitted = 0;
  int64_t lastReceiptNs = 0;
};

struct LinkOptions {
  std::string socketPath;
  uint32_t number = 0;
  SubmissionForm form;
  size_t depth = 1;  // submissions in flight; the ledger's own limit where that is lower
};

class AgentLink {
 public:
  // Connects and opens a session. Throws std::runtime_error where the ledger does not let it.
  AgentLink(const LinkOptions& options, const SigningAgent& agent, LoadResult& result);

  int socket() const { return socket_.get(); }
  uint64_t committed() const { return committed_; }
  size_t inFlight() const { return waiting_.size(); }
  // The ledger has refused something: nothing of this session can follow.
  bool isRefused() const { return isRefused_; }
  bool isClosed() const { return isClosed_; }
  bool wantsToSend() const { return sent_ < outgoing_.size(); }

  // Makes and sends submissions, as many as may be in flight and the socket takes.
  void pump(uint64_t& submissionsLeft);
  // Throws where the ledger ends the connection or breaks the protocol.
  void receive();
  // Sends `close`; nothing may be in flight.
  void close();

 private:
  struct Waiting {
    uint64_t firstSequence;
    int64_t sentAtNs;
    Hash statementHash;
  };

  std::vector<uint8_t> readFrame(frame::Type type);
  void readExactly(MutableBytes bytes);
  void sendAll(frame::Type type, Bytes payload);
  void sendMore();
  void take(frame::Type type, Bytes payload);
  void takeCommitted(Bytes payload);
  void takeRefused(Bytes payload);
  void openSession(const SigningAgent& agent);

  const LinkOptions options_;
  LoadResult& result_;
  intake::Descriptor socket_;
  size_t depth_;
  Hash sessionId_{};
  std::unique_ptr<SubmissionMaker> maker_;
  MadeSubmission made_;
  std::deque<Waiting> waiting_;
  std::vector<uint8_t> outgoing_;
  size_t sent_ = 0;
  std::vector<uint8_t> incoming_;
  uint64_t committed_ = 0;
  bool isRefused_ = false;
  bool isClosed_ = false;
};

}  // namespace kudurru::bench
