// Rows of the search index as columns: a typed array a column, one element an action. Texts are
// numbered within a call, from 1; 0 stands for none.
#include <napi.h>

#include <cstring>
#include <unordered_map>

#include "binding/addon-state.h"
#include "binding/convert.h"
#include "core/index-rows/index-rows.h"
#include "core/journal/big-endian.h"

namespace kudurru::binding {
namespace {

constexpr size_t kTraceIdBytes = 16;
constexpr double kNone = -1;

// The different texts of a call; JavaScript makes each of them once.
class Terms {
 public:
  uint32_t numberOf(std::string_view text) {
    if (text.empty()) return 0;
    const auto [found, isNew] = numbers_.try_emplace(text, texts_.size() + 1);
    if (isNew) texts_.push_back(text);
    return static_cast<uint32_t>(found->second);
  }

  Napi::Array toArray(Napi::Env env) const {
    auto array = Napi::Array::New(env, texts_.size());
    for (uint32_t at = 0; at < texts_.size(); ++at) {
      array.Set(at, Napi::String::New(env, texts_[at].data(), texts_[at].size()));
    }
    return array;
  }

 private:
  std::unordered_map<std::string_view, size_t> numbers_;
  std::vector<std::string_view> texts_;
};

// Indexes are below 2^53 and so exact in a double.
template <class Rows, class Value>
Napi::Float64Array doublesOf(Napi::Env env, const Rows& rows, Value&& value) {
  auto column = Napi::Float64Array::New(env, rows.size());
  for (size_t at = 0; at < rows.size(); ++at) {
    column.Data()[at] = static_cast<double>(value(rows[at]));
  }
  return column;
}

template <class Rows, class Value>
Napi::Uint8Array bytesOf(Napi::Env env, const Rows& rows, Value&& value) {
  auto column = Napi::Uint8Array::New(env, rows.size());
  for (size_t at = 0; at < rows.size(); ++at) column.Data()[at] = value(rows[at]);
  return column;
}

template <class Rows, class Value>
Napi::BigInt64Array longsOf(Napi::Env env, const Rows& rows, Value&& value) {
  auto column = Napi::BigInt64Array::New(env, rows.size());
  for (size_t at = 0; at < rows.size(); ++at) {
    column.Data()[at] = static_cast<int64_t>(value(rows[at]));
  }
  return column;
}

using Rows = std::vector<ActionRow>;

Napi::Uint32Array termsOf(Napi::Env env, const Rows& rows, Terms& terms,
                          std::string_view ActionRow::* text) {
  auto column = Napi::Uint32Array::New(env, rows.size());
  for (size_t at = 0; at < rows.size(); ++at) column.Data()[at] = terms.numberOf(rows[at].*text);
  return column;
}

Napi::Uint8Array traceIdsOf(Napi::Env env, const Rows& rows) {
  auto column = Napi::Uint8Array::New(env, rows.size() * kTraceIdBytes);
  std::memset(column.Data(), 0, column.ByteLength());
  for (size_t at = 0; at < rows.size(); ++at) {
    std::ranges::copy(rows[at].traceId, column.Data() + at * kTraceIdBytes);
  }
  return column;
}

void setActions(Napi::Env env, const Rows& rows, Napi::Object* columns) {
  Terms terms;
  const auto set = [&](const char* name, const Napi::Value& column) { columns->Set(name, column); };
  set("index", doublesOf(env, rows, [](const ActionRow& row) { return row.index; }));
  set("taiNs", longsOf(env, rows, [](const ActionRow& row) { return row.taiNs; }));
  set("session", doublesOf(env, rows, [](const ActionRow& row) { return row.sessionIndex; }));
  set("sequence", doublesOf(env, rows, [](const ActionRow& row) { return row.sequence; }));
  set("kind", bytesOf(env, rows, [](const ActionRow& row) { return row.kind; }));
  set("status", bytesOf(env, rows, [](const ActionRow& row) { return row.status; }));
  set("operation", termsOf(env, rows, terms, &ActionRow::operation));
  set("tool", termsOf(env, rows, terms, &ActionRow::tool));
  set("externalId", termsOf(env, rows, terms, &ActionRow::externalId));
  set("traceId", traceIdsOf(env, rows));
  set("intentSession", longsOf(env, rows, [](const ActionRow& row) {
        return row.intent ? get64(row.intent->session.data()) : 0;
      }));
  set("intentSequence", doublesOf(env, rows, [](const ActionRow& row) {
        return row.intent ? static_cast<double>(row.intent->sequence) : kNone;
      }));
  set("terms", terms.toArray(env));
}

Napi::Array sessionsOf(Napi::Env env, const std::vector<SessionRow>& rows) {
  auto sessions = Napi::Array::New(env, rows.size());
  for (uint32_t at = 0; at < rows.size(); ++at) {
    auto session = Napi::Object::New(env);
    session.Set("index", static_cast<double>(rows[at].index));
    session.Set("agent", static_cast<double>(rows[at].agentIndex));
    session.Set("id", toUint8Array(env, rows[at].id));
    sessions.Set(at, session);
  }
  return sessions;
}

Napi::Array anchorsOf(Napi::Env env, const std::vector<AnchorRow>& rows) {
  auto anchors = Napi::Array::New(env, rows.size());
  for (uint32_t at = 0; at < rows.size(); ++at) {
    auto anchor = Napi::Object::New(env);
    anchor.Set("index", static_cast<double>(rows[at].index));
    anchor.Set("size", static_cast<double>(rows[at].size));
    anchors.Set(at, anchor);
  }
  return anchors;
}

// (firstIndex: number, bundle) → columns
Napi::Value indexRows(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto first = static_cast<uint64_t>(info[0].As<Napi::Number>().Int64Value());
  IndexRows rows;
  const Status status = readIndexRows(first, binding::bytesOf(info[1]), &rows);
  if (!status.ok()) {
    throw makeError(
        env, {"index-rows", std::string(codeName(status.code)), "indexRows", status.message});
  }
  auto columns = Napi::Object::New(env);
  columns.Set("entries", static_cast<double>(rows.entries));
  columns.Set("actions", static_cast<double>(rows.actions.size()));
  setActions(env, rows.actions, &columns);
  columns.Set("sessions", sessionsOf(env, rows.sessions));
  columns.Set("anchors", anchorsOf(env, rows.anchors));
  columns.Set("lastLeafHash", toUint8Array(env, rows.lastLeafHash));
  return columns;
}

}  // namespace

Napi::Object registerIndexRows(Napi::Env env, Napi::Object exports) {
  exports.Set("indexRows", Napi::Function::New(env, indexRows));
  return exports;
}

}  // namespace kudurru::binding
