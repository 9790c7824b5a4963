using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

// The server of lab/workloads/ledger.py, whose comment says what it answers.
var ledger = new Ledger();
using var listener = new TcpListener(IPAddress.Any, int.Parse(args[0], CultureInfo.InvariantCulture));
listener.Start();
while (true)
{
    _ = ledger.ServeAsync(await listener.AcceptTcpClientAsync());
}

internal sealed class Ledger
{
    private readonly Dictionary<string, string> _values = [];
    private readonly Lock _lock = new();
    private long _count;
    private string _digest = "";

    public async Task ServeAsync(TcpClient connection)
    {
        using TcpClient owned = connection;
        using var reader = new StreamReader(connection.GetStream(), Encoding.ASCII);
        while (await reader.ReadLineAsync() is { } line)
        {
            await connection.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"{Answer(line)}\n"));
        }
    }

    private string Answer(string line)
    {
        string[] words = line.Split(' ');
        lock (_lock)
        {
            if (words[0] != "put")
            {
                return _values[words[1]];
            }

            _values[words[1]] = words[2];
            _count++;
            _digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes($"{_digest}{words[1]} {words[2]}")));
            return string.Create(CultureInfo.InvariantCulture, $"{_count} {_digest}");
        }
    }
}
