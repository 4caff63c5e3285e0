import assert from 'node:assert/strict';
import test from 'node:test';
import { load } from './support.js';

const { PlayClock, speedFor } = await load('clock.js');

function recording(start = 1000, end = 121_000) {
  const clock = new PlayClock(false);
  clock.setBounds(start, end);
  return clock;
}

function live(start = 1000, end = 50_000) {
  const clock = new PlayClock(true);
  clock.setBounds(start, end);
  return clock;
}

test('a recording begins paused at its first fix', () => {
  const clock = recording();
  assert.equal(clock.state, 'paused');
  assert.equal(clock.moment(5000), 1000);
});

test('history that comes in pieces moves the start, until somebody steers', () => {
  const clock = recording(5000, 9000);
  clock.setBounds(1000, 9000);
  assert.equal(clock.moment(0), 1000);
  clock.seek(6000, 0);
  clock.setBounds(500, 9000);
  assert.equal(clock.moment(0), 6000);
});

test('a recording is seen in about two minutes', () => {
  assert.equal(speedFor(0), 1);
  assert.equal(speedFor(60_000), 1);
  assert.equal(speedFor(2.4 * 3600e3), 120);
  assert.equal(speedFor(1e12), 600);
});

test('it plays at its speed, and a new speed keeps the place', () => {
  const clock = recording();
  clock.setSpeed(1, 0);
  clock.play(0);
  assert.equal(clock.moment(2000), 3000);
  clock.setSpeed(10, 2000);
  assert.equal(clock.moment(2000), 3000);
  assert.equal(clock.moment(3000), 13_000);
});

test('a pause keeps the place', () => {
  const clock = recording();
  clock.setSpeed(2, 0);
  clock.play(0);
  clock.pause(1000);
  assert.equal(clock.moment(99_000), 3000);
  clock.toggle(100_000);
  assert.equal(clock.moment(101_000), 5000);
});

test('at the end it stops, and play begins again', () => {
  const clock = recording();
  clock.setSpeed(600, 0);
  clock.play(0);
  assert.equal(clock.moment(1000), 121_000);
  assert.equal(clock.state, 'paused');
  clock.play(2000);
  assert.equal(clock.moment(2000), 1000);
});

test('a loop begins again by itself', () => {
  const clock = recording();
  clock.setSpeed(1, 0);
  clock.loop = true;
  clock.play(0);
  assert.equal(clock.moment(125_000), 6000);
  assert.equal(clock.state, 'playing');
  assert.equal(clock.turns, 1);
});

test('live stays at the end, which moves', () => {
  const clock = live();
  assert.equal(clock.moment(0), 50_000);
  clock.setBounds(1000, 60_000);
  assert.equal(clock.moment(1), 60_000);
});

test('seeking while live leaves live; LIVE goes back', () => {
  const clock = live();
  clock.seek(20_000, 0);
  clock.setBounds(1000, 60_000);
  assert.equal(clock.state, 'paused');
  assert.equal(clock.moment(9), 20_000);
  clock.live();
  assert.equal(clock.moment(10), 60_000);
});

test('playing that catches up becomes live', () => {
  const clock = live();
  clock.seek(49_000, 0);
  clock.setSpeed(10, 0);
  clock.play(0);
  assert.equal(clock.moment(50), 49_500);
  assert.equal(clock.moment(200), 50_000);
  assert.equal(clock.state, 'live');
});

test('a recording cannot become live, and seeks stay inside', () => {
  const clock = recording();
  clock.live();
  assert.equal(clock.state, 'paused');
  clock.seek(-5, 0);
  assert.equal(clock.moment(0), 1000);
  clock.seek(1e15, 0);
  assert.equal(clock.moment(0), 121_000);
});

test('while nothing is known there is no moment', () => {
  const clock = new PlayClock(true);
  assert.equal(clock.moment(0), null);
  clock.play(0);
  clock.seek(5, 0);
  assert.equal(clock.moment(0), null);
});

test('a loop keeps to the range that was chosen', () => {
  const clock = recording();
  clock.setSpeed(1, 0);
  clock.loop = true;
  clock.range = [11_000, 21_000];
  clock.seek(11_000, 0);
  clock.play(0);
  assert.equal(clock.moment(9_000), 20_000);
  assert.equal(clock.moment(13_000), 14_000);
  assert.equal(clock.turns, 1);
  clock.seek(100_000, 20_000); // behind it: to the end, and then the range
  assert.equal(clock.moment(30_000), 110_000);
  assert.ok(clock.moment(43_000) < 21_000);
});

test('a range outside of what there is counts for nothing', () => {
  const clock = recording();
  clock.setSpeed(1, 0);
  clock.loop = true;
  clock.range = [500_000, 900_000];
  clock.play(0);
  assert.equal(clock.moment(125_000), 6000);
});

test('a group that is looked back at loops, too, and stays in the past', () => {
  const clock = live();
  clock.setSpeed(1, 0);
  clock.loop = true;
  clock.range = [10_000, 20_000];
  clock.seek(10_000, 0);
  clock.play(0);
  assert.equal(clock.moment(12_000), 12_000);
  assert.equal(clock.state, 'playing');
});

test('what somebody else steers is taken over, before there is anything to see', () => {
  const clock = new PlayClock(false);
  clock.restore({ state: 'playing', moment: 50_000, speed: 10, loop: true }, 0);
  clock.setBounds(90_000, 121_000); // the newest part comes first
  clock.setBounds(1000, 121_000);
  assert.equal(clock.moment(1000), 60_000);
  assert.equal(clock.loop, true);
  const other = new PlayClock(false);
  other.restore({ state: 'live', moment: 0, speed: 1, loop: false }, 0);
  assert.equal(other.state, 'paused');
});

test('where it plays from is told exactly, however often it was looked at since', () => {
  const clock = recording();
  clock.setSpeed(120, 0);
  clock.seek(61_000, 0);
  clock.play(7);
  clock.moment(8);
  assert.deepEqual(clock.began, { moment: 61_000, at: 7 });
});

test('a turn of a loop begins at its start, at the moment at which it was reached', () => {
  const clock = recording();
  clock.range = [11_000, 21_000];
  clock.loop = true;
  clock.setSpeed(10, 0);
  clock.seek(11_000, 0);
  clock.play(0);
  assert.equal(clock.moment(1500), 16_000);
  assert.deepEqual(clock.began, { moment: 11_000, at: 1000 });
});

test('who goes elsewhere jumps, who goes on does not', () => {
  const clock = recording();
  clock.play(0);
  clock.setSpeed(2, 100);
  clock.pause(200);
  clock.restore({ state: 'playing', moment: 9000, speed: 1, loop: false }, 300);
  assert.equal(clock.jumps, 0);
  clock.seek(50_000, 400);
  assert.equal(clock.jumps, 1);
  clock.seek(121_000, 500);
  clock.pause(500);
  clock.play(600); // at the end: from the beginning
  assert.equal(clock.moment(600), 1000);
  assert.equal(clock.jumps, 3);
});

test('what others follow loops over all of it, whatever range one has chosen', () => {
  const clock = new PlayClock(false, true);
  clock.setBounds(1000, 121_000);
  clock.range = [10_000, 20_000];
  clock.restore({ state: 'playing', moment: 19_000, speed: 1, loop: true }, 0);
  assert.equal(clock.moment(2000), 21_000);
  assert.equal(clock.moment(103_000), 2000);
});
