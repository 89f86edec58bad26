# SPDX-License-Identifier: Apache-2.0
# What Logstash's filters find around them: LogStash::Timestamp, Json, the logger, and the frame that a filter's code runs in.
require 'time'
require 'date'
require 'json'

module LogStash
  class TimestampParserError < StandardError; end

  # A point in time with nanoseconds (@ns since 1970 UTC).
  class Timestamp
    include Comparable

    def initialize(t = nil)
      case t
      when nil then @ns = Timestamp.now_ns
      when Timestamp then @ns = t.ns
      when Time then @ns = t.to_i * 1_000_000_000 + t.nsec
      when String then @ns = Timestamp.parse_ns(t)
      when Numeric then @ns = (t.to_r * 1_000_000_000).to_i
      else raise ArgumentError, "no time: #{t.class}"
      end
    end

    def self.now_ns
      LogStash.__clock_ns || Process.clock_gettime(Process::CLOCK_REALTIME, :nanosecond)
    end

    def self.parse_ns(text)
      t = Time.iso8601(text.match?(/[Zz]|[+-]\d\d:?\d\d\z/) ? text : text + "Z") rescue Time.parse(text)
      t.to_i * 1_000_000_000 + t.nsec
    end

    def self.now = new
    def self.at(secs, micros = 0) = new(Rational(secs) + Rational(micros, 1_000_000))
    def self.parse_iso8601(text) = new(text)

    def self.coerce(v)
      case v
      when Timestamp then v
      when Time, String then new(v)
      end
    rescue ArgumentError
      nil
    end

    def ns = @ns
    def time = Time.at(0, @ns, :nsec).utc
    def utc = self
    alias gmtime utc
    def to_i = @ns.div(1_000_000_000)
    def tv_sec = to_i
    def to_f = @ns / 1_000_000_000.0
    def to_r = Rational(@ns, 1_000_000_000)
    def nsec = @ns % 1_000_000_000
    alias tv_nsec nsec
    def usec = nsec / 1000
    alias tv_usec usec
    def to_s = LogStash.__iso8601(@ns)
    alias to_iso8601 to_s
    alias inspect to_s
    def to_json(*args) = to_s.to_json(*args)
    def year = time.year
    def month = time.month
    def day = time.day
    def hour = time.hour
    def min = time.min
    def sec = time.sec
    def strftime(format) = time.strftime(format)
    def hash = @ns.hash
    def eql?(other) = other.is_a?(Timestamp) && @ns == other.ns
    def +(other) = Timestamp.new(to_r + (other.is_a?(Timestamp) ? other.to_r : other.to_r))

    def -(other)
      case other
      when Timestamp then (@ns - other.ns) / 1_000_000_000.0
      when Time then time - other
      else Timestamp.new(to_r - other.to_r)
      end
    end

    def <=>(other)
      case other
      when Timestamp then @ns <=> other.ns
      when Time then time <=> other
      end
    end
  end

  module Json
    ParserError = ::JSON::ParserError
    GeneratorError = ::JSON::GeneratorError
    def self.load(text, *) = ::JSON.parse(text)
    def self.dump(v, *) = ::JSON.generate(v)
    class << self
      alias jruby_load load
      alias jruby_dump dump
    end
  end

  class Logger
    %i[trace debug].each { |level| define_method(level) { |*| nil } }
    %i[info warn error fatal].each do |level|
      define_method(level) do |text = nil, data = nil|
        LogStash.__log("#{level}: #{text}#{data ? ' ' + data.inspect : ''}".delete("\0"))
        nil
      end
    end
    def debug? = false
    def trace? = false
    def info? = true
    def warn? = true
    def error? = true
  end

  # A filter's own object: instance variables of `init` and `code` meet here.
  class RubyFilter
    attr_reader :logger

    def initialize
      @logger = Logger.new
    end
  end

  # A script of `path`: register(params), filter(event), test "…" do … end
  class ScriptFilter < RubyFilter
    def initialize(params)
      super()
      @__params = params
      @__tests = []
    end

    def test(name, &block)
      @__tests << [name, block]
    end

    def register(params); end

    def __start
      register(@__params)
      @__tests.each { |name, block| ScriptTest.new(self, name, @__source, @__path).run(block) }
      self
    end

    def __load(source, path)
      @__source = source
      @__path = path
      instance_eval(source, path, 1)
      raise "Script does not define `filter`! Please ensure that you have defined a filter method" unless respond_to?(:filter)
      self
    end

    def __run_file(event) = filter(event)
    def __silence = @__tests = []
  end

  # `test "name" do parameters { … }; in_event { … }; expect("…") { |events| … } end`
  class ScriptTest
    def initialize(_script, name, source, path)
      @name = name
      @source = source
      @path = path
      @params = {}
      @events = []
      @expectations = []
    end

    def parameters = @params = yield
    def in_event = @events = [yield].flatten
    def expect(what, &block) = @expectations << [what, block]

    def run(block)
      instance_eval(&block)
      script = ScriptFilter.new(@params)
      script.__load(@source, @path)
      script.__silence
      script.register(@params)
      results = @events.flat_map { |fields| script.filter(LogStash::Event.new(fields)) }
      @expectations.each do |what, check|
        raise "test \"#{@name}\" of #{@path}: \"#{what}\" does not hold" unless check.call(results)
      end
    end
  end

  module Support
    # The object of one filter. The code becomes a method, so `return` and `yield` work; code that cannot stand in one
    # (`next`, a class) becomes a lambda.
    def self.build(code, init, path, params, file, code_line, init_line)
      if path
        return ScriptFilter.new(params).__load(File.read(path, encoding: "UTF-8"), path).__start
      end
      filter = RubyFilter.new
      filter.instance_eval(init, file, init_line) if init
      begin
        filter.instance_eval("def __run(event, &new_event_block); #{code}\nend", file, code_line)
      rescue SyntaxError => e
        begin
          block = filter.instance_eval("lambda { |event, &new_event_block| #{code}\n}", file, code_line)
        rescue SyntaxError
          raise e
        end
        filter.define_singleton_method(:__run, &block)
      end
      filter
    end

    # "NoMethodError: undefined method … (line 12)": with the line of the configuration.
    def self.describe(e)
      where = e.is_a?(SyntaxError) ? nil : (e.backtrace || []).find { |line| !line.start_with?("(naru)", "-e:") }
      where = where && where[/\A(.*?:\d+)/, 1]
      text = e.message.to_s.dup.force_encoding("UTF-8").scrub
      "#{e.class}: #{text}#{where ? " (#{where})" : ''}".delete("\0")
    end

    # Time.now and Date.today follow the pipeline's clock.
    def self.follow_clock
      return if @follows
      @follows = true
      Time.singleton_class.prepend(Module.new do
        def now(**options)
          ns = LogStash.__clock_ns
          ns ? at(0, ns, :nsec, **options) : super
        end
        def new(*args, **options)
          args.empty? && options.empty? && equal?(Time) && LogStash.__clock_ns ? now : super
        end
      end)
      Date.singleton_class.prepend(Module.new { def today(*) = equal?(Date) ? Time.now.to_date : super })
      DateTime.singleton_class.prepend(Module.new { def now(*) = Time.now.to_datetime })
    end
  end
end
