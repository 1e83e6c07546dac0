// What the disk takes to make the same bytes durable, with nothing around it: pwrite of so many
// bytes after those before, then fdatasync, in a file whose blocks are all written already. Prints
// one JSON object; the file is gone afterwards.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "core/intake/descriptor.h"
#include "parts/options.h"
#include "parts/samples.h"

namespace kudurru::bench {
namespace {

constexpr size_t kFileSizeBytes = size_t{64} << 20;
constexpr size_t kChunkBytes = size_t{1} << 20;

void writeAt(int file, const std::vector<uint8_t>& bytes, size_t offset) {
  const ssize_t size = pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
  if (size != static_cast<ssize_t>(bytes.size())) {
    throw std::system_error(errno, std::generic_category(), "pwrite");
  }
}

void sync(int file) {
  if (fdatasync(file) != 0) throw std::system_error(errno, std::generic_category(), "fdatasync");
}

int measure(int count, char** words) {
  const Options options(count, words, {"file", "bytes", "rounds"});
  const std::string& path = options.text("file");
  const size_t sizeBytes = options.number("bytes", 4096, kFileSizeBytes);
  const size_t rounds = options.number("rounds", 500, 1'000'000);
  const intake::Descriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) throw std::system_error(errno, std::generic_category(), "open '" + path + "'");
  // The name goes at once: whatever ends this program, the file goes with it.
  unlink(path.c_str());
  const std::vector<uint8_t> zeros(kChunkBytes);
  for (size_t at = 0; at < kFileSizeBytes; at += kChunkBytes) writeAt(file.get(), zeros, at);
  if (fsync(file.get()) != 0) throw std::system_error(errno, std::generic_category(), "fsync");

  std::vector<uint8_t> bytes(sizeBytes);
  Samples samples;
  size_t offset = 0;
  for (size_t round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < bytes.size(); i += 64) bytes[i] = static_cast<uint8_t>(round + i);
    const int64_t startedNs = nowNs();
    writeAt(file.get(), bytes, offset);
    sync(file.get());
    samples.add(nowNs() - startedNs);
    offset += sizeBytes;
    if (offset + sizeBytes > kFileSizeBytes) offset = 0;
  }
  std::printf("{\"bytes\":%zu,\"latency\":%s}\n", sizeBytes, samples.json().c_str());
  return 0;
}

}  // namespace
}  // namespace kudurru::bench

int main(int count, char** words) {
  return kudurru::bench::runProgram("bare-sync", kudurru::bench::measure, count, words);
}
