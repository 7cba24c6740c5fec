#pragma once

// The page for the wall of a room, read from 4 m: letters of a tenth of its height, no more than
// what somebody in the room must know. It asks /state each second, and says so when nobody answers.

namespace casebox::tools {

inline constexpr char kWallPage[] = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Casebox</title>
<link rel="stylesheet" href="/wall.css"></head>
<body class="unknown"><h1 id="state">&hellip;</h1><p id="since"></p>
<ul id="troubles"></ul><ul id="sources"></ul><p id="foot"></p>
<script src="/wall.js"></script></body></html>
)";

inline constexpr char kWallStyle[] = R"(
body { margin: 0; padding: 3vh 3vw; font: 5vh/1.25 system-ui, sans-serif; background: #111; color: #eee; }
h1 { margin: 0; font-size: 17vh; line-height: 1; }
body.recording h1 { color: #ff5a4f; }
body.paused h1 { color: #ffd24a; }
body.idle h1 { color: #9fd3ff; }
body.unknown { background: #600; }
#since { margin: 1vh 0 2vh; font-size: 8vh; }
ul { list-style: none; margin: 0 0 2vh; padding: 0; }
#troubles li { background: #ffd24a; color: #111; padding: 0 1vw; margin-bottom: 1vh; font-size: 6vh; }
#sources li { display: inline-block; margin-right: 3vw; }
#sources li.away { color: #ffd24a; font-weight: bold; }
#foot { position: fixed; bottom: 1vh; font-size: 4vh; color: #aaa; }
)";

inline constexpr char kWallScript[] = R"('use strict';
const words = {idle: 'Ready', recording: 'Recording', paused: 'Paused', ending: 'Closing'};
const $ = id => document.getElementById(id);
function clock(s) {
  const whole = Math.max(0, Math.floor(s));
  const two = n => String(n).padStart(2, '0');
  return Math.floor(whole / 3600) + ':' + two(Math.floor(whole / 60) % 60) + ':' + two(whole % 60);
}
function list(id, rows) {
  $(id).replaceChildren(...rows.map(([text, name]) => {
    const item = document.createElement('li');
    item.textContent = text;
    item.className = name;
    return item;
  }));
}
function show(now) {
  document.body.className = now.state === 'ending' ? 'recording' : now.state;
  $('state').textContent = words[now.state] || now.state;
  $('since').textContent = 'since ' + clock(now.since_s) +
      (now.pause_reason ? ', ' + now.pause_reason + ': nothing is recorded' : '');
  list('troubles', now.troubles.map(text => [text, '']));
  list('sources', now.sources.map(s => [s.name + (s.state === 'running' ? '' : ' ' + s.state) +
      (s.lost_5min + s.gaps_5min > 0 ? ' (lost ' + s.lost_5min + ' in ' + s.gaps_5min + ' gaps)' : ''),
      s.state === 'running' ? '' : 'away']));
  const clockText = now.clock.u95_s === null ? 'wall clock not kept' :
      'wall clock within ' + now.clock.u95_s.toFixed(2) + ' s';
  $('foot').textContent = now.room + ' - ' + clockText +
      (now.disk_hours === null ? '' : ' - disk for ' + Math.floor(now.disk_hours) + ' h') +
      (now.forward === null ? '' : ' - forwarding ' + now.forward_lag_s.toFixed(0) + ' s behind');
}
async function ask() {
  try {
    const answer = await fetch('/state', {cache: 'no-store'});
    show(await answer.json());
  } catch (gone) {
    document.body.className = 'unknown';
    $('state').textContent = 'No answer';
    $('since').textContent = 'the recorder does not say what it does';
    list('troubles', []);
  }
}
ask();
setInterval(ask, 1000);
)";

}  // namespace casebox::tools
