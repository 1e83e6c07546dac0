// Every bound of intake and what it follows from. The daemon may set them lower or higher; the
// defaults here are what a connection is told in `welcome`.
//
// Memory: frames from admission to answer ≤ totalBytesMax, plus one parsed frame too many; sealed
// bodies of the two groups on their way ≤ 2 × (batchBytesMax and one more batch); bytes
// read behind a frame that waits ≤ connectionsMax × kReadBytes; pushed receipts ≤
// outgoingTotalBytesMax; answers ≤ connectionsMax × (outgoingBytesHigh + inFlightMax ×
// kMessageBytesMax), which only clients that read nothing reach, for stallTimeMs; large bodies
// under way ≤ connectionsMax × kLargeBodiesMax × 2 KiB (where their chunks stand).
#pragma once

#include <cstddef>
#include <cstdint>

namespace kudurru::intake {

// Bytes of one recvmsg: small enough that what stands behind a waiting frame stays small, large
// enough that the writer's check (one a read) costs little a frame.
constexpr size_t kReadBytes = 65'536;
// Reads of one connection before the others get their turn.
constexpr unsigned kReadsPerTurn = 16;
// Bytes of the words in a refusal.
constexpr size_t kMessageBytesMax = 1024;
// What checking one signature costs, in bytes that are parsed, hashed, sealed and written in the
// same time: 52 µs by 4.7 ns (bench_step-costs). A submission counts this much and its own bytes.
constexpr uint64_t kSubmissionCostBytes = 11'264;
// What an agent may take from a batch in each turn over all agents: one submission of one action.
constexpr uint64_t kTurnCostBytes = 16'384;
// sun_path without its closing NUL.
constexpr size_t kSocketPathBytesMax = 107;

struct Limits {
  size_t connectionsMax = 1024;
  // Submissions of a connection that were received and not answered yet.
  size_t inFlightMax = 64;
  // Frames of a connection from their admission to their answer: two of the largest.
  size_t connectionBytesMax = size_t{8} << 20;
  // The same over the connections of an agent: four agents fill the room of all, and one cannot.
  size_t agentBytesMax = size_t{32} << 20;
  // The same over all connections: eight of the largest batches.
  size_t totalBytesMax = size_t{128} << 20;
  // Answers a connection has not read yet: above the first no further frame of it is admitted,
  // above the second `anchored` pushes are refused.
  size_t outgoingBytesHigh = size_t{256} << 10;
  size_t outgoingBytesMax = size_t{1} << 20;
  // The same over all connections: above it `anchored` pushes are refused.
  size_t outgoingTotalBytesMax = size_t{64} << 20;
  // One batch is made durable at once: its size is the price of the slowest receipt.
  size_t batchItemsMax = 1024;
  size_t batchActionsMax = 16'384;
  size_t batchBytesMax = size_t{16} << 20;

  // From a submission's arrival to its batch: then it is refused, to be tried again later.
  int64_t queueTimeMs = 10'000;
  int64_t stallTimeMs = 30'000;      // answers wait and the client reads nothing
  int64_t frameTimeMs = 30'000;      // from a frame's first byte to its last
  int64_t handshakeTimeMs = 30'000;  // from the connection to its session
  int64_t drainTimeMs = 5'000;       // from stop() to the last answer read
};

}  // namespace kudurru::intake
