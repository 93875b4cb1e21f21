-- Store the result, if our mark stands. Answers 1, or 0 if it does not.
--
-- KEYS  lock, marks, result, callers
-- ARGV  fence, sealed result, ms it is kept, caller
if not redis.call('ZSCORE', KEYS[2], ARGV[1]) then
  return 0
end
redis.call('SET', KEYS[3], ARGV[2], 'PX', ARGV[3])
redis.call('SADD', KEYS[4], ARGV[4])
redis.call('PEXPIRE', KEYS[4], ARGV[3])
-- All marks: whoever was slower than this one has nothing to store any more.
redis.call('DEL', KEYS[2])
if redis.call('GET', KEYS[1]) == 'sent:' .. ARGV[1] then
  redis.call('DEL', KEYS[1])
end
return 1
