#include "binding/intake-thread.h"

#include <pthread.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace kudurru::binding {
namespace {

// Longest wait for something to happen; times are checked as often.
constexpr int kStepMs = 1000;

Delivery deliveryOf(intake::Batch&& batch) {
  Delivery delivery;
  for (const intake::SubmitItem& item : batch.items) {
    if (item.refusal) continue;
    delivery.actions += item.parsed.envelopes.size();
    for (const submission::Body& body : item.parsed.bodies) {
      const bool known = std::ranges::find(delivery.scopes, body.scope) != delivery.scopes.end();
      if (!known) delivery.scopes.emplace_back(body.scope);
    }
  }
  delivery.batch = std::make_shared<intake::Batch>(std::move(batch));
  return delivery;
}

}  // namespace

IntakeThread::IntakeThread(std::unique_ptr<intake::Server> server, Napi::ThreadSafeFunction notify)
    : server_(std::move(server)), notify_(std::move(notify)), thread_([this] { run(); }) {}

IntakeThread::~IntakeThread() { quit(); }

void IntakeThread::quit() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    quit_ = true;
  }
  server_->wake();
  thread_.join();
}

void IntakeThread::post(Command command) {
  {
    const std::lock_guard lock(mutex_);
    if (ended_) return;
    commands_.push_back(std::move(command));
  }
  server_->wake();
}

void IntakeThread::wantBatch() {
  {
    const std::lock_guard lock(mutex_);
    wanted_ = true;
  }
  server_->wake();
}

std::optional<Delivery> IntakeThread::takeDelivery() {
  const std::lock_guard lock(mutex_);
  return std::exchange(delivery_, std::nullopt);
}

std::string IntakeThread::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

intake::Stats IntakeThread::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

void IntakeThread::run() {
  pthread_setname_np(pthread_self(), "intake");
  std::string failure;
  try {
    for (;;) {
      runCommands();
      deliver();
      {
        const std::lock_guard lock(mutex_);
        stats_ = server_->intake().stats();
        if (quit_) break;
      }
      if (server_->ended()) break;
      server_->step(kStepMs);
    }
    server_->closeAll();
  } catch (const std::exception& error) {
    failure = error.what();
  }
  {
    const std::lock_guard lock(mutex_);
    failure_ = std::move(failure);
    ended_ = true;
    commands_.clear();
  }
  notify(true);
  if (!notifyClosed_) notify_.Release();
}

void IntakeThread::runCommands() {
  std::vector<Command> commands;
  {
    const std::lock_guard lock(mutex_);
    commands.swap(commands_);
  }
  for (const Command& command : commands) command(*server_);
}

void IntakeThread::deliver() {
  {
    const std::lock_guard lock(mutex_);
    if (!wanted_ || !server_->intake().hasWork()) return;
    wanted_ = false;
  }
  Delivery delivery = deliveryOf(server_->intake().takeBatch());
  {
    const std::lock_guard lock(mutex_);
    delivery_ = std::move(delivery);
  }
  notify(false);
}

// Once JavaScript's environment is closing, the function may be gone with the answer.
void IntakeThread::notify(bool end) {
  if (notifyClosed_) return;
  const auto call = [end](Napi::Env env, Napi::Function function) {
    function.Call({Napi::Boolean::New(env, end)});
  };
  notifyClosed_ = notify_.NonBlockingCall(call) == napi_closing;
}

}  // namespace kudurru::binding
