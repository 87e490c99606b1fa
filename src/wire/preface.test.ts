import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ranges } from './limits.ts';
import { preface, sniff } from './preface.ts';

test('five bytes say framed, version 1', () => {
  assert.equal(preface.toString('hex'), '45564b4c01');
  assert.equal(sniff(preface), 'framed');
  assert.equal(sniff(Buffer.concat([preface, Buffer.from('more')])), 'framed');
});

test('nothing is said before enough bytes are there', () => {
  for (let length = 0; length < preface.length; length++) assert.equal(sniff(preface.subarray(0, length)), undefined);
  assert.equal(sniff(Buffer.from([0, 0, 0])), undefined);
});

test('another version is told from another protocol', () => {
  for (const version of [0, 2, 255])
    assert.equal(sniff(Buffer.from([0x45, 0x56, 0x4b, 0x4c, version])), 'unknown-version');
});

test('all else is classic: its length, or something whose length is over any limit', () => {
  assert.equal(sniff(Buffer.from([11, 0, 0, 0])), 'classic');
  for (const hello of ['GET / HTTP/1.1\r\n', 'PRI * HTTP/2.0', 'EVKM\x01', 'SSH-2.0-OpenSSH', 'POST ', 'ruok']) {
    const bytes = Buffer.from(hello, 'latin1');
    assert.equal(sniff(bytes), 'classic', hello);
    assert.ok(bytes.readUInt32LE() > ranges.message.max, hello);
  }
  assert.ok(preface.readUInt32LE() > ranges.message.max);
});
