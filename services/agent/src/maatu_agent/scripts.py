"""The history's changes as Lua scripts, each of which Redis runs as one step. KEYS[1] is the session's hash.

A turn is stored as {"id", "position", "user", "agent", "state"}.
"""

_TRIM = """
-- Keeps the newest `limit` answered turns, and as many open ones: a speculative turn that was dropped pushes nothing out.
local function trim(limit)
  local answered, open = {}, {}
  for _, value in ipairs(redis.call('HVALS', KEYS[1])) do
    if string.sub(value, 1, 1) == '{' then
      local turn = cjson.decode(value)
      table.insert(turn.state == 'open' and open or answered, turn)
    end
  end
  for _, turns in ipairs({answered, open}) do
    table.sort(turns, function(a, b) return a.position > b.position end)
    for index = limit + 1, #turns do
      redis.call('HDEL', KEYS[1], turns[index].id)
    end
  end
end
"""

BEGIN = (
    _TRIM
    + """
local id, user, limit, ttl = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local before = redis.call('HGET', KEYS[1], id)
if before and cjson.decode(before).state ~= 'open' then
  return {0}
end
if before then
  redis.call('HDEL', KEYS[1], id)
end
local result = {redis.call('HINCRBY', KEYS[1], '#', 1)}
for _, value in ipairs(redis.call('HVALS', KEYS[1])) do
  if string.sub(value, 1, 1) == '{' then
    table.insert(result, value)
  end
end
local turn = {id = id, position = result[1], user = user, agent = '', state = 'open'}
redis.call('HSET', KEYS[1], id, cjson.encode(turn))
trim(limit)
redis.call('PEXPIRE', KEYS[1], ttl)
return result
"""
)
"""ARGV: turn id, user text, turns to keep, time to live in ms. Returns the new turn's position and the turns before it;
{0} where the turn is answered already."""

COMPLETE = (
    _TRIM
    + """
local value = redis.call('HGET', KEYS[1], ARGV[1])
if not value then
  return 0
end
local turn = cjson.decode(value)
if turn.state ~= 'open' or turn.position ~= tonumber(ARGV[2]) then
  return 0
end
turn.agent, turn.state = ARGV[3], 'complete'
redis.call('HSET', KEYS[1], ARGV[1], cjson.encode(turn))
trim(tonumber(ARGV[4]))
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return 1
"""
)
"""ARGV: turn id, its position, answer, turns to keep, time to live in ms. Returns 1, or 0 where the turn is open no more."""

AMEND = (
    _TRIM
    + """
if redis.call('EXISTS', KEYS[1]) == 0 then
  return 'no session'
end
local value = redis.call('HGET', KEYS[1], ARGV[1])
if not value then
  return 'no turn'
end
local turn = cjson.decode(value)
turn.agent, turn.state = ARGV[2], 'amended'
redis.call('HSET', KEYS[1], ARGV[1], cjson.encode(turn))
trim(tonumber(ARGV[3]))
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 'amended'
"""
)
"""ARGV: turn id, heard text, turns to keep, time to live in ms."""
