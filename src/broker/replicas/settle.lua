-- The flight is over without a result: give the lock up if it is ours, and the mark too if the token was not
-- spent. Answers like ask.lua: a sibling's result, or whether a mark is left.
--
-- KEYS  lock, marks, result, callers
-- ARGV  fence, caller, what became of the token: 'unspent', 'dead', 'elsewhere' or 'unknown'
local holder = redis.call('GET', KEYS[1])
if holder == 'claimed:' .. ARGV[1] or holder == 'sent:' .. ARGV[1] then
  redis.call('DEL', KEYS[1])
end
if ARGV[3] ~= 'unknown' then
  redis.call('ZREM', KEYS[2], ARGV[1])
end
local result = redis.call('GET', KEYS[3])
if result and redis.call('SISMEMBER', KEYS[4], ARGV[2]) == 1 then
  return {'replayed', result, redis.call('PTTL', KEYS[3])}
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local marks = redis.call('ZCOUNT', KEYS[2], now, '+inf')
if ARGV[3] == 'dead' and marks == 0 and not result then
  -- There will never be a result, and junk leaves nothing behind.
  redis.call('DEL', KEYS[4])
end
return {'settled', '', marks}
