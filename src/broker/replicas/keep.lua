-- Store the result, unless somebody else's is there. Answers 1, or 0 if it is.
--
-- Our mark is gone when another replica has stored its result, and that one is the newer: it stays. It is gone as well
-- when Redis has lost its memory since our request left. Then nobody has a result, and this is the one pair that the
-- token led to: whoever is at it by now is refused by Jira, looks here once more, and finds it.
--
-- KEYS  lock, marks, result, callers
-- ARGV  fence, sealed result, ms it is kept, callers that wait for it
local marked = redis.call('ZSCORE', KEYS[2], ARGV[1])
if not marked and redis.call('GET', KEYS[3]) then
  return 0
end
redis.call('SET', KEYS[3], ARGV[2], 'PX', ARGV[3])
for at = 4, #ARGV do
  redis.call('SADD', KEYS[4], ARGV[at])
end
redis.call('PEXPIRE', KEYS[4], ARGV[3])
if marked then
  -- All marks: whoever was slower than this one has nothing to store any more. Without ours nobody knows who was
  -- slower, and another's stays: should it lead to a pair, that is the newer one.
  redis.call('DEL', KEYS[2])
end
if redis.call('GET', KEYS[1]) == 'sent:' .. ARGV[1] then
  redis.call('DEL', KEYS[1])
end
return 1
