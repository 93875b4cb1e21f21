-- The request is about to leave: mark it, if the claim is still ours. Answers 1, or 0 if it is not.
--
-- KEYS  lock, marks
-- ARGV  fence, ms the lock stands from now on, ms the mark stands
if redis.call('GET', KEYS[1]) ~= 'claimed:' .. ARGV[1] then
  return 0
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('SET', KEYS[1], 'sent:' .. ARGV[1], 'PX', ARGV[2])
-- Each mark ends by itself: one that another made longer would keep a token in doubt that is asked for again
-- and again.
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
redis.call('ZADD', KEYS[2], now + ARGV[3], ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return 1
