-- Does Redis take a write, and how far back does it remember?
--
-- What stands here has no end. Where it is missing, Redis has begun anew, and whatever it was told before is gone
-- without a word. It is written each time, since a full or a read-only Redis would still answer a question.
--
-- KEYS  memory
-- ARGV  what a memory is called that begins now
-- Answers {the memory, ms that it goes back}.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local memory = redis.call('GET', KEYS[1])
local began = memory and tonumber(string.match(memory, '^(%d+) '))
if not began then
  memory, began = string.format('%.0f %s', now, ARGV[1]), now
end
redis.call('SET', KEYS[1], memory)
return {memory, now - began}
