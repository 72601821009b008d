import test from "node:test";
import assert from "node:assert/strict";
import { effect } from "../../html/token.js";
import { backoff, delayOf, isFinal, pack } from "../../html/token/wire.js";
import { socketUrl } from "../../html/token/environment.js";
import { EPOCH, World, listen, turn } from "./fake.js";

test("the URL is relative to the page, and as safe as the page", () => {
  assert.equal(socketUrl("/live", "http://a.example/chat/"), "ws://a.example/live");
  assert.equal(socketUrl("live?room=1#x", "https://a.example/chat/"), "wss://a.example/chat/live?room=1");
  assert.equal(socketUrl("wss://b.example/live", "http://a.example/"), "wss://b.example/live");
});

test("it offers token.v1, and is open once the server has said hello", async () => {
  const world = new World();
  const { live } = world;
  assert.equal(world.socket.url, "ws://example.com/live");
  assert.equal(world.socket.protocol, "token.v1");
  assert.equal(live.status.value, "connecting");
  assert.equal(live.user.value, undefined);
  await world.socket.hello({ user: null });
  assert.equal(live.status.value, "open");
  assert.equal(live.user.value, null);
  assert.equal(live.session.value, "0b7e");
  assert.equal(live.limits.value.inflight, 64);
});

test("nothing is sent before the hello", async () => {
  const world = new World();
  world.live.atom("switch");
  world.live.send("toggle");
  await turn();
  assert.deepEqual(world.socket.frames, []);
  await world.socket.hello();
  assert.deepEqual(world.socket.take().map(({ type }) => type), ["watch", "token"]);
});

test("what is said in one turn leaves in one frame", async () => {
  const world = await World.open();
  world.live.atom("switch");
  world.live.send("toggle");
  world.live.log("chat");
  await turn();
  assert.equal(world.socket.frames.length, 1);
  assert.equal(world.socket.frames[0].split("\n").length, 3);
});

test("frames stay below the server's limit, in bytes", async () => {
  const texts = ["aaaa", "ßß", "cccc", "dd"];
  assert.deepEqual(pack(texts, 9), ["aaaa\nßß", "cccc\ndd"]);
  assert.deepEqual(pack(texts, 8), ["aaaa", "ßß", "cccc\ndd"]);
  assert.deepEqual(pack([], 8), []);

  const world = await World.open({ hello: { limits: { message: 300, inflight: 64 } } });
  for (let i = 0; i < 10; i++) world.live.send("send", "x".repeat(60));
  await turn();
  assert.ok(world.socket.frames.length > 3);
  for (const frame of world.socket.frames) assert.ok(frame.length <= 300);
  assert.equal(world.socket.take().length, 10);
});

test("messages of one frame are one change for those who look", async () => {
  const world = await World.open();
  const atom = world.live.atom("a");
  const other = world.live.atom("b");
  const seen = [];
  effect(() => void seen.push([atom.value, other.value]));
  const watching = { type: "watching", kind: "atom", epoch: "e", seq: 1, recovered: false };
  await world.socket.say(
    { ...watching, channel: "a" },
    { type: "atom", channel: "a", seq: 1, value: 1 },
    { ...watching, channel: "b" },
    { type: "atom", channel: "b", seq: 1, value: 2 },
  );
  assert.deepEqual(seen, [[undefined, undefined], [1, 2]]);
});

test("a ping is answered", async () => {
  const world = await World.open();
  await world.socket.say({ type: "ping" });
  assert.deepEqual(world.socket.take(), [{ type: "pong" }]);
});

test("a server that talks all the time still hears from the client", async () => {
  const world = await World.open();
  for (let i = 0; i < 6; i++) {
    await world.clock.pass(10_000);
    await world.socket.say({ type: "atom", channel: "a", seq: i, value: i });
  }
  const pongs = world.socket.take();
  assert.ok(pongs.length >= 2, "within each interval");
  assert.equal(pongs[0].type, "pong");
});

test("silence of twice the interval means that the connection is dead", async () => {
  const world = await World.open();
  await world.clock.pass(40_000);
  await world.socket.say({ type: "ping" });
  await world.clock.pass(49_000);
  assert.equal(world.live.status.value, "open");
  await world.clock.pass(1_000);
  assert.equal(world.live.status.value, "waiting");
  assert.deepEqual(world.socket.closed, { code: 4012, reason: "no heartbeat" });
  assert.equal(world.live.closed.code, 4012);
  await world.clock.pass(1_000);
  assert.equal(world.sockets.length, 2);
});

test("a connection without a hello is given up", async () => {
  const world = new World();
  await world.clock.pass(15_000);
  assert.notEqual(world.socket.closed ?? world.sockets[0].closed, null);
  await world.clock.pass(1_000);
  assert.equal(world.sockets.length, 2);
});

test("a socket that was let go says nothing any more", async () => {
  const world = await World.open();
  const [old] = world.sockets;
  world.live.restart();
  await old.drop(4500);
  await old.hello({ user: "mallory" });
  assert.equal(world.live.status.value, "connecting");
  assert.equal(world.live.user.value, "alice");
});

test("back-off is any time up to a bound that doubles to 30 s", () => {
  assert.deepEqual([0, 1, 2, 6, 99].map((n) => backoff(n, () => 1)), [500, 1000, 2000, 30000, 30000]);
  assert.equal(backoff(5, () => 0), 0);
});

test("attempts grow further apart, until a connection has been good", async () => {
  const world = new World();
  const delays = [];
  world.jitter = 1;
  for (let i = 0; i < 4; i++) {
    await world.socket.drop();
    delays.push(world.live.retryAt - world.clock.time);
    await world.clock.pass(delays[i]);
  }
  assert.deepEqual(delays, [500, 1000, 2000, 4000]);

  await world.socket.hello();
  await world.socket.drop();
  assert.equal(world.live.retryAt - world.clock.time, 8000, "a hello alone is not enough");

  await world.clock.pass(8000);
  await world.socket.hello();
  await world.clock.pass(6000);
  await world.socket.drop();
  assert.equal(world.live.retryAt - world.clock.time, 500);
});

test("close codes: which are final", () => {
  for (const code of [1002, 1003, 1007, 1008, 1009, 4500, 4503, 4999]) assert.ok(isFinal(code), code);
  for (const code of [1000, 1001, 1005, 1006, 1011, 1012, 1013, 1015, 4000, 4008, 4012, 4013, 4499]) {
    assert.ok(!isFinal(code), code);
  }
});

test("a final close is not followed by an attempt, until the page asks", async () => {
  const world = await World.open();
  await world.socket.drop(4503, "bye");
  assert.equal(world.live.status.value, "closed");
  assert.deepEqual(world.live.closed, { code: 4503, reason: "bye" });
  world.window.dispatchEvent(new Event("online"));
  await world.clock.pass(600_000);
  assert.equal(world.sockets.length, 1);
  world.live.restart();
  await world.socket.hello();
  assert.equal(world.live.status.value, "open");
});

test("1012 says when to come back, and that is kept", async () => {
  assert.equal(delayOf(1012, "1234"), 1234);
  assert.equal(delayOf(1012, "99999999"), 300_000);
  assert.equal(delayOf(1012, "soon"), null);
  assert.equal(delayOf(1012, ""), null);
  assert.equal(delayOf(1001, "1234"), null);

  const world = await World.open();
  await world.socket.drop(1012, "2500");
  assert.equal(world.live.retryAt - world.clock.time, 2500);
  world.document.dispatchEvent(new Event("visibilitychange"));
  await world.clock.pass(2499);
  assert.equal(world.sockets.length, 1);
  await world.clock.pass(1);
  assert.equal(world.sockets.length, 2);
  assert.equal(world.live.retryAt, null);
});

test("without a network it says offline, and connects at once when there is one", async () => {
  const world = await World.open();
  world.isOnline = false;
  world.jitter = 1;
  await world.socket.drop();
  assert.equal(world.live.status.value, "offline");
  world.isOnline = true;
  world.window.dispatchEvent(new Event("online"));
  assert.equal(world.sockets.length, 2);
  assert.equal(world.live.status.value, "connecting");
});

test("offline is not believed: a server on this machine is still tried", async () => {
  const world = await World.open();
  world.isOnline = false;
  await world.socket.drop();
  await world.clock.pass(500);
  await world.socket.hello();
  assert.equal(world.live.status.value, "open");
});

test("when the network goes the connection is asked for a sign of life", async () => {
  const world = await World.open();
  world.window.dispatchEvent(new Event("offline"));
  await turn();
  assert.deepEqual(world.socket.take(), [{ type: "ping" }]);
  world.isOnline = false;
  await world.clock.pass(5_000);
  assert.equal(world.live.status.value, "offline");
});

test("a probe that is answered changes nothing", async () => {
  const world = await World.open();
  await world.clock.pass(20_000);
  world.window.dispatchEvent(new Event("online"));
  await world.clock.pass(100);
  await world.socket.say({ type: "pong" });
  await world.clock.pass(30_000);
  assert.equal(world.live.status.value, "open");
  await world.clock.pass(20_000);
  assert.equal(world.live.status.value, "waiting");
});

test("a page that comes to the front connects at once", async () => {
  const world = await World.open();
  world.jitter = 1;
  await world.socket.drop();
  world.document.visibilityState = "hidden";
  world.document.dispatchEvent(new Event("visibilitychange"));
  assert.equal(world.sockets.length, 1);
  world.document.visibilityState = "visible";
  world.document.dispatchEvent(new Event("visibilitychange"));
  assert.equal(world.sockets.length, 2);
});

test("a page that is put away closes, and connects when it is shown again", async () => {
  const world = await World.open();
  world.live.send("toggle");
  await world.leave();
  assert.equal(world.socket.closed.code, 1000);
  assert.equal(world.socket.take().length, 1, "what was asked for has left");
  await world.clock.pass(60_000);
  assert.equal(world.sockets.length, 1);
  await world.show({ persisted: false });
  assert.equal(world.sockets.length, 1, "it is not that page that is shown");
  await world.show();
  assert.equal(world.sockets.length, 2);
  await world.show();
  assert.equal(world.sockets.length, 2);
});

test("a page that is shown again asks from where it stood, and after what it has sent", async () => {
  const world = await World.open();
  const chat = world.live.log("chat");
  await turn();
  await world.socket.say(
    { type: "watching", channel: "chat", epoch: EPOCH, seq: 7, recovered: false },
    { type: "record", channel: "chat", seq: 7, token: "t", user: null, time: 1, value: "a" },
    { type: "synced", channel: "chat", seq: 7 },
  );
  const command = world.live.send("send", "b");
  await world.leave();
  // the browser says so before it says that the page is shown
  world.document.dispatchEvent(new Event("visibilitychange"));
  await world.show();
  assert.equal(world.sockets.length, 2, "at once, and once");
  await world.socket.hello();
  assert.deepEqual(world.socket.take(), [
    { type: "watch", channel: "chat", epoch: EPOCH, seq: 7 },
    { type: "resume", ids: [command.id] },
  ]);
  await world.socket.say(
    { type: "watching", channel: "chat", epoch: EPOCH, seq: 8, recovered: true },
    { type: "record", channel: "chat", seq: 8, token: command.id, user: null, time: 2, value: "b" },
    { type: "outcome", id: command.id, outcome: "ok", seq: 8 },
  );
  assert.deepEqual(chat.value.map(({ value }) => value), ["a", "b"]);
  assert.equal((await command.outcome).outcome, "ok");
  assert.deepEqual(world.live.commands.value, []);
});

test("a page that was closed for good stays closed when it is shown again", async () => {
  const world = await World.open();
  world.live.close();
  await world.leave();
  await world.show();
  assert.equal(world.sockets.length, 1);
  assert.equal(world.live.status.value, "closed");
});

test("close is for good, and sends first what was said", async () => {
  const world = await World.open();
  world.live.atom("switch");
  world.live.close();
  assert.equal(world.socket.take()[0].type, "watch");
  assert.equal(world.socket.closed.code, 1000);
  assert.equal(world.live.status.value, "closed");
  await world.clock.pass(600_000);
  assert.equal(world.sockets.length, 1);
});

test("a message that is not JSON is logged, the others are taken", async () => {
  const world = await World.open();
  const atom = world.live.atom("a");
  const lines = await listen("error", () =>
    world.socket.raw(
      'nonsense\n[1]\nnull\n{"type":"watching","channel":"a","epoch":"e","seq":1,"recovered":false}\n' +
        '{"type":"atom","channel":"a","seq":1,"value":5}\n',
    ),
  );
  assert.equal(lines.length, 3);
  assert.equal(atom.value, 5);
  assert.equal(world.live.status.value, "open");
});

test("binary, unknown and broken messages do no harm", async () => {
  const world = await World.open();
  world.live.presence("room");
  const watching = { type: "watching", channel: "room", epoch: "e", seq: 1, recovered: false };
  const lines = await listen("error", async () => {
    await world.socket.raw(new ArrayBuffer(3));
    await world.socket.say({ type: "weather", sun: true }, watching, { type: "presence", channel: "room" });
    await world.socket.say({ type: "outcome" }, { type: "record", channel: "nowhere" });
  });
  assert.equal(lines.length, 2, "the binary one, and the presence without users");
  assert.equal(world.live.status.value, "open");
});

test("onMessage sees every message in both directions", async () => {
  const world = await World.open();
  const seen = [];
  const stop = world.live.onMessage(({ direction, message, time }) => {
    seen.push([direction, message.type]);
    assert.equal(time, world.clock.time);
  });
  await world.socket.say({ type: "ping" });
  assert.deepEqual(seen, [["in", "ping"], ["out", "pong"]]);
  stop();
  await world.socket.say({ type: "ping" });
  assert.equal(seen.length, 2);
});
