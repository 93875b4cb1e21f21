-- May this replica spend the token, or is there a result for this caller?
--
-- KEYS  lock, marks, result, callers
-- ARGV  caller, fence ('' to wait for somebody else's claim), ms a claim stands, ms a caller is remembered
-- Answers {word, sealed result, number}.
local result = redis.call('GET', KEYS[3])
if result then
  if redis.call('SISMEMBER', KEYS[4], ARGV[1]) == 1 then
    return {'replayed', result, redis.call('PTTL', KEYS[3])}
  end
  -- Who comes when it is over has neither caused the result nor waited for it, and is not added.
  return {'stranger', '', 0}
end
if redis.call('SADD', KEYS[4], ARGV[1]) == 1 or redis.call('PTTL', KEYS[4]) < ARGV[4] / 2 then
  redis.call('PEXPIRE', KEYS[4], ARGV[4])
end
if ARGV[2] == '' then
  return {'waiting', '', 0}
end
if not redis.call('SET', KEYS[1], 'claimed:' .. ARGV[2], 'NX', 'PX', ARGV[3]) then
  return {'busy', '', redis.call('PTTL', KEYS[1])}
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return {'mine', '', redis.call('ZCOUNT', KEYS[2], now, '+inf')}
