using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Nvwa.Lab.Clients;

/// <summary>
/// Counts in a PostgreSQL within one transaction that stays open until the end: "Message Flow" and "Message Formats" of
/// its manual, version 3. The table <c>counter(n)</c> must be there, and <c>trust</c> for the lab's network.
/// </summary>
public sealed class PostgresClient : SteadyClient
{
    private const int ProtocolVersion = 3 << 16;

    private long _counter;

    private PostgresClient(Socket socket)
        : base(socket)
    {
    }

    public static async Task<PostgresClient> ConnectAsync(
        LabNetwork network, IPEndPoint peer, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(network);
        var client = new PostgresClient(await network.ConnectInsideAsync(peer, timeout, cancellationToken));
        byte[] parameters = Encoding.ASCII.GetBytes("user\0postgres\0database\0postgres\0\0");
        byte[] startup = new byte[8 + parameters.Length];
        BinaryPrimitives.WriteInt32BigEndian(startup, startup.Length);
        BinaryPrimitives.WriteInt32BigEndian(startup.AsSpan(4), ProtocolVersion);
        parameters.CopyTo(startup, 8);
        await client.Lines.WriteAsync(startup, cancellationToken);
        _ = await client.ReadAnswerAsync(cancellationToken);
        _ = await client.QueryAsync("BEGIN", cancellationToken);
        return client;
    }

    /// <summary>Ends the transaction, once the client has been stopped.</summary>
    public Task CommitAsync(CancellationToken cancellationToken = default) => QueryAsync("COMMIT", cancellationToken);

    private protected override async Task AskAsync(CancellationToken cancellationToken)
    {
        string next = (++_counter).ToString(CultureInfo.InvariantCulture);
        string? count = await QueryAsync($"INSERT INTO counter VALUES ({next}); SELECT count(*) FROM counter", cancellationToken);
        if (count != next)
        {
            throw new LabException($"PostgreSQL counts {count} rows, not {next}");
        }
    }

    /// <summary>The first column of the last row; null if there is none.</summary>
    private async Task<string?> QueryAsync(string query, CancellationToken cancellationToken)
    {
        byte[] message = new byte[1 + 4 + query.Length + 1];
        message[0] = (byte)'Q';
        BinaryPrimitives.WriteInt32BigEndian(message.AsSpan(1), message.Length - 1);
        Encoding.ASCII.GetBytes(query, message.AsSpan(5));
        await Lines.WriteAsync(message, cancellationToken);
        return await ReadAnswerAsync(cancellationToken);
    }

    /// <summary>Up to ReadyForQuery.</summary>
    private async Task<string?> ReadAnswerAsync(CancellationToken cancellationToken)
    {
        string? last = null;
        while (true)
        {
            ReadOnlyMemory<byte> head = await Lines.ReadBytesAsync(5, cancellationToken);
            char type = (char)head.Span[0];
            int length = BinaryPrimitives.ReadInt32BigEndian(head.Span[1..]) - 4;
            ReadOnlyMemory<byte> body = await Lines.ReadBytesAsync(length, cancellationToken);
            switch (type)
            {
                case 'Z':
                    return last;
                case 'D':
                    int column = BinaryPrimitives.ReadInt32BigEndian(body.Span[2..]);
                    last = Encoding.ASCII.GetString(body.Span.Slice(6, column));
                    break;
                case 'E':
                    throw new LabException($"PostgreSQL: {Encoding.UTF8.GetString(body.Span).Replace('\0', ' ')}");
            }
        }
    }
}
