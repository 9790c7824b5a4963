using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Nvwa.Linux;

/// <summary>A pipe, with what was read from it so far, up to a limit.</summary>
internal sealed class CapturedPipe : IDisposable
{
    private readonly SafeFileHandle _reader;
    private readonly int _limit;
    private readonly MemoryStream _bytes = new();
    private readonly byte[] _buffer = new byte[64 * 1024];
    private bool _atEnd;

    public CapturedPipe(int limit)
    {
        (_reader, Writer) = Libc.Pipe();
        _limit = limit;
    }

    /// <summary>For the child; to be closed here once the child has it.</summary>
    public SafeFileHandle Writer { get; }

    public bool IsCut { get; private set; }

    public string Text => Encoding.UTF8.GetString(_bytes.GetBuffer(), 0, (int)_bytes.Length);

    public Libc.PollEntry PollEntry => new(_atEnd ? -1 : (int)_reader.DangerousGetHandle());

    /// <summary>One read, which does not block when poll(2) has called the pipe ready: nobody else reads it.</summary>
    public int ReadIf(bool ready)
    {
        if (!ready)
        {
            return 0;
        }

        int count = Libc.TryRead(_reader, _buffer);
        _atEnd = count <= 0;
        int kept = Math.Clamp(_limit - (int)_bytes.Length, 0, Math.Max(count, 0));
        _bytes.Write(_buffer, 0, kept);
        IsCut |= kept < count;
        return count;
    }

    /// <summary>
    /// Reads what is there, and not more than <paramref name="most"/>: somebody else may go on writing.
    /// </summary>
    public void Drain(int most)
    {
        int total = 0;
        while (!_atEnd && total < most)
        {
            Span<Libc.PollEntry> entries = [PollEntry];
            if (!Libc.Poll(entries, new Deadline(TimeSpan.Zero)))
            {
                return;
            }

            total += ReadIf(ready: true);
        }
    }

    public void Dispose()
    {
        _reader.Dispose();
        Writer.Dispose();
        _bytes.Dispose();
    }
}
