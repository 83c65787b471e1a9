'use strict';
// A cardholder's browser: it opens a page, reads its forms and presses a button.

const assert = require('node:assert/strict');

const COMPLETE = /complete|authori[sz]e|succe|approve/i;
const FAIL = /fail|decline|reject/i;

const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'", '#x27': "'" };
const plain = (text) => text.replace(/&([#\w]+);/g, (all, name) => ENTITIES[name] ?? all);

function attributes(tag) {
  const found = tag.matchAll(/([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))/g);
  return Object.fromEntries([...found].map(([, name, a, b, c]) => [name, plain(a ?? b ?? c)]));
}

/** The buttons of a page: of each what it says, where it leads and what it sends. */
function buttonsOf(html) {
  const buttons = [];
  for (const [, formTag, inside] of html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/gi)) {
    const form = attributes(formTag);
    const fields = [];
    for (const [, tag] of inside.matchAll(/<input\b([^>]*)>/gi)) {
      const at = attributes(tag);
      if (at.type === 'submit') buttons.push({ form, fields, at, words: tag + formTag });
      else if (at.name) fields.push([at.name, at.value ?? '']);
    }
    for (const [, tag, text] of inside.matchAll(/<button\b([^>]*)>([\s\S]*?)<\/button>/gi)) {
      buttons.push({ form, fields, at: attributes(tag), words: tag + text + formTag });
    }
  }
  return buttons;
}

/** Opens the page of a challenge. */
async function openPage(url) {
  const answer = await fetch(url, { headers: { accept: 'text/html' } });
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get('content-type'), /^text\/html/);
  return { url, buttons: buttonsOf(await answer.text()) };
}

/** Presses the one button of the page that means this; redirects are followed. */
async function press(page, meaning) {
  const fitting = page.buttons.filter((each) => meaning.test(each.words));
  assert.equal(fitting.length, 1, `one button for ${meaning}: ${JSON.stringify(page.buttons)}`);
  const [{ form, fields, at }] = fitting;
  assert.equal(form.method?.toLowerCase(), 'post', 'a form that changes something is posted');
  const body = new URLSearchParams(fields);
  if (at.name) body.append(at.name, at.value ?? '');
  const action = new URL(at.formaction ?? form.action ?? '', page.url);
  const answer = await fetch(action, { method: 'POST', body, headers: { accept: 'text/html' } });
  await answer.arrayBuffer();
}

module.exports = { COMPLETE, FAIL, openPage, press };
