// One operation's arguments, sessions and results. Arguments are numbers and byte strings in the
// order of the operation's table row; the TypeScript face names and types them.
#pragma once

#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>

#include <array>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <variant>
#include <vector>

namespace kudurru::tpm {

using Blob = std::vector<uint8_t>;
using Value = std::variant<uint32_t, Blob>;
using Values = std::vector<Value>;
using Sessions = std::array<ESYS_TR, 3>;

// Thrown for arguments that do not fit the operation; nothing was sent.
class ArgumentError : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

// What ESYS allocated, freed with its own function.
template <class T>
class Owned {
 public:
  Owned() = default;
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  ~Owned() { Esys_Free(value_); }
  T** out() { return &value_; }
  const T* get() const { return value_; }
  const T* operator->() const { return value_; }

 private:
  T* value_ = nullptr;
};

class Call {
 public:
  Call(ESYS_CONTEXT* context, const Values& inputs, const Sessions& sessions)
      : esys(context), inputs_(inputs), sessions_(sessions) {}

  ESYS_CONTEXT* const esys;
  Values results;

  uint32_t number() { return argument<uint32_t>("a number"); }
  const Blob& bytes() { return argument<Blob>("bytes"); }

  // An ESYS object, or a hierarchy or PCR by its TPM handle (Part 2 §7.4).
  ESYS_TR handle() { return fromTpmHandle(number()); }
  static ESYS_TR fromTpmHandle(uint32_t handle);

  // TPM2B_… with a plain buffer.
  template <class Sized>
  Sized sized() {
    return sizedFrom<Sized>(bytes());
  }
  template <class Sized>
  static Sized sizedFrom(const Blob& from) {
    Sized value{};
    if (from.size() > sizeof value.buffer) throw ArgumentError("byte string too long");
    value.size = static_cast<UINT16>(from.size());
    if (!from.empty()) std::memcpy(value.buffer, from.data(), from.size());
    return value;
  }

  // An object's Name (Part 1 §16), as it is hashed: without a length.
  TPM2B_NAME sizedName() {
    const Blob& from = bytes();
    TPM2B_NAME name{};
    if (from.size() > sizeof name.name) throw ArgumentError("Name too long");
    name.size = static_cast<UINT16>(from.size());
    if (!from.empty()) std::memcpy(name.name, from.data(), from.size());
    return name;
  }

  // A marshalled structure; every byte must be used.
  template <class T>
  T parse(TSS2_RC (*unmarshal)(const uint8_t*, size_t, size_t*, T*)) {
    const Blob& from = bytes();
    T value{};
    size_t used = 0;
    if (unmarshal(from.data(), from.size(), &used, &value) != TSS2_RC_SUCCESS ||
        used != from.size()) {
      throw ArgumentError("malformed structure");
    }
    return value;
  }

  // The password session where an authorisation is needed and none was given.
  ESYS_TR authorisation(size_t slot) const {
    return sessions_[slot] == ESYS_TR_NONE ? ESYS_TR_PASSWORD : sessions_[slot];
  }
  ESYS_TR session(size_t slot) const { return sessions_[slot]; }

  void give(uint32_t value) { results.emplace_back(value); }
  void give(const uint8_t* data, size_t size) { results.emplace_back(Blob(data, data + size)); }
  template <class Sized>
  void giveSized(const Sized& value) {
    give(value.buffer, value.size);
  }
  // The bytes as TPM 2.0 Part 2 lays them out.
  template <class T>
  void giveMarshalled(TSS2_RC (*marshal)(const T*, uint8_t*, size_t, size_t*), const T& value) {
    std::array<uint8_t, 4096> buffer{};
    size_t size = 0;
    if (marshal(&value, buffer.data(), buffer.size(), &size) != TSS2_RC_SUCCESS) {
      throw std::runtime_error("a structure from the TPM does not marshal");
    }
    give(buffer.data(), size);
  }

 private:
  template <class T>
  const T& argument(const char* expected) {
    if (next_ >= inputs_.size()) throw ArgumentError("too few arguments");
    const T* value = std::get_if<T>(&inputs_[next_++]);
    if (value == nullptr) throw ArgumentError(std::string("expected ") + expected);
    return *value;
  }

  const Values& inputs_;
  const Sessions& sessions_;
  size_t next_ = 0;
};

}  // namespace kudurru::tpm
