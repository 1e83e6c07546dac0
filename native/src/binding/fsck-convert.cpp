#include "binding/fsck-convert.h"

#include <unistd.h>

#include <string>

#include "binding/convert.h"
#include "binding/intake-convert.h"

namespace kudurru::binding {
namespace {

Napi::Value big(Napi::Env env, uint64_t value) { return Napi::BigInt::New(env, value); }

Napi::Value bigOrNull(Napi::Env env, std::optional<uint64_t> value) {
  return value ? big(env, *value) : env.Null();
}

Napi::Object toObject(Napi::Env env, const fsck::Finding& finding) {
  auto object = Napi::Object::New(env);
  const bool isDamage = finding.weight == fsck::Weight::kDamage;
  object.Set("weight", isDamage ? "damage" : "rebuildable");
  object.Set("code", finding.code);
  object.Set("file", finding.file);
  object.Set("offset", big(env, finding.offset));
  object.Set("record", bigOrNull(env, finding.record));
  object.Set("entry", bigOrNull(env, finding.entry));
  object.Set("message", finding.message);
  return object;
}

Napi::Object toObject(Napi::Env env, const fsck::Evidence& evidence) {
  auto object = Napi::Object::New(env);
  object.Set("isEntry", evidence.isEntry);
  object.Set("number", static_cast<double>(evidence.number));
  const std::string file = evidence.isRetired
                               ? entryTilePath(evidence.index / kTileWidth, kTileWidth)
                               : fsck::segmentPath(evidence.position.segment);
  object.Set("file", file);
  object.Set("offset", big(env, evidence.isRetired ? 0 : evidence.position.offset));
  object.Set("record", big(env, evidence.position.record));
  object.Set("index", big(env, evidence.index));
  object.Set("leafHash", toUint8Array(env, evidence.leafHash));
  object.Set("treeSize", big(env, evidence.treeSize));
  object.Set("root", evidence.root ? toUint8Array(env, *evidence.root) : env.Null());
  const auto& heads = evidence.agentHeadsRoot;
  object.Set("agentHeadsRoot", heads ? toUint8Array(env, *heads) : env.Null());
  object.Set("bytes", toUint8Array(env, evidence.bytes));
  return object;
}

}  // namespace

fsck::Options fsckOptionsOf(const Napi::Object& object) {
  fsck::Options options;
  options.folder = object.Get("folder").As<Napi::String>().Utf8Value();
  options.fromIndex = integerOf(object.Get("from"));
  const auto published = object.Get("published").As<Napi::Object>();
  options.publishedSize = integerOf(published.Get("size"));
  options.publishedRoot = hashOf(published.Get("root"));
  const auto resumed = object.Get("resumed").As<Napi::Object>();
  options.resumedSize = integerOf(resumed.Get("size"));
  options.resumedRoot = hashOf(resumed.Get("root"));
  options.checksBodies = object.Get("bodies").ToBoolean();
  options.checksSignatures = object.Get("signatures").ToBoolean();
  options.repairsTiles = object.Get("repairsTiles").ToBoolean();
  options.processId = static_cast<uint32_t>(::getpid());
  const auto keys = object.Get("scopeKeys").As<Napi::Array>();
  for (uint32_t at = 0; at < keys.Length(); ++at) {
    const auto pair = keys.Get(at).As<Napi::Array>();
    options.scopeKeys[pair.Get(uint32_t{0}).As<Napi::String>().Utf8Value()] =
        hashOf(pair.Get(uint32_t{1}));
  }
  return options;
}

Napi::Object toObject(Napi::Env env, const fsck::Report& report) {
  auto object = Napi::Object::New(env);
  object.Set("ledgerId", toUint8Array(env, report.ledgerId));
  object.Set("size", big(env, report.entries));
  object.Set("root", toUint8Array(env, report.root));
  auto settled = Napi::Object::New(env);
  settled.Set("size", big(env, report.settled));
  settled.Set("root", toUint8Array(env, report.settledRoot));
  object.Set("settled", settled);
  object.Set("sizeChecked", big(env, report.entriesChecked));
  object.Set("recovered", big(env, report.recovered));
  object.Set("laterEntries", big(env, report.laterEntries));
  object.Set("bodies", big(env, report.bodies));
  object.Set("bodiesOpened", big(env, report.bodiesOpened));
  object.Set("bodiesRetired", big(env, report.bodiesRetired));
  object.Set("retiredEntries", big(env, report.retiredEntries));
  object.Set("signatures", big(env, report.signatures));
  object.Set("tiles", big(env, report.tiles));
  object.Set("tilesRepaired", big(env, report.tilesRepaired));
  object.Set("records", big(env, report.journal.records));
  object.Set("tornBytes", big(env, report.journal.tornBytes));
  object.Set("stoppedCleanly", report.journal.stoppedCleanly);
  object.Set("bytesDone", big(env, report.journal.bytesDone));
  object.Set("bytesTotal", big(env, report.journal.bytesTotal));
  auto end = Napi::Object::New(env);
  end.Set("segment", report.journal.end.segment);
  end.Set("offset", big(env, report.journal.end.offset));
  end.Set("record", big(env, report.journal.end.record));
  object.Set("end", end);
  object.Set("isComplete", report.isComplete);
  return object;
}

Napi::Object toObject(Napi::Env env, const fsck::Findings& findings) {
  auto object = Napi::Object::New(env);
  auto list = Napi::Array::New(env, findings.list().size());
  uint32_t at = 0;
  for (const fsck::Finding& finding : findings.list()) list.Set(at++, toObject(env, finding));
  object.Set("list", list);
  object.Set("damages", big(env, findings.damages()));
  object.Set("rebuildables", big(env, findings.rebuildables()));
  return object;
}

Napi::Array toArray(Napi::Env env, const std::vector<fsck::Evidence>& evidence) {
  auto array = Napi::Array::New(env, evidence.size());
  uint32_t at = 0;
  for (const fsck::Evidence& one : evidence) array.Set(at++, toObject(env, one));
  return array;
}

}  // namespace kudurru::binding
