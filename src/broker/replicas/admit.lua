-- A caller has got the result from the replica that stored it: it may have it again. Answers 1, or 0 if there is
-- no result any more.
--
-- KEYS  lock, marks, result, callers
-- ARGV  caller
local left = redis.call('PTTL', KEYS[3])
if left <= 0 then
  return 0
end
redis.call('SADD', KEYS[4], ARGV[1])
redis.call('PEXPIRE', KEYS[4], left)
return 1
