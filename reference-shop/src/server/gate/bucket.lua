-- A bucket of tokens, refilled and drawn from in one step. Redis runs a script as a whole, by its own
-- clock, so that any number of shops share one allowance.
--
-- KEYS[1]  the bucket
-- ARGV     tokens per second, tokens at most, tokens to take (below zero: to give back), and `there`
--          if they are only taken where they are there, or `taken` if they are in any case
-- returns  whether they were taken
local rate, burst, tokens, must = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000

local bucket = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local there, at = tonumber(bucket[1]) or burst, tonumber(bucket[2]) or now
there = math.min(burst, there + math.max(0, now - at) * rate)

local passes = must == 'taken' or there >= tokens
if passes then
    there = math.min(burst, there - tokens)
end
redis.call('HSET', KEYS[1], 'tokens', string.format('%.9f', there), 'at', string.format('%.6f', math.max(at, now)))
-- A bucket that nobody asks for is full again by then, and as good as new.
local full = math.ceil((burst - there) / rate) + 60
redis.call('EXPIRE', KEYS[1], full)
return passes
