namespace Nvwa.Criu;

/// <summary>CRIU stands still at <see cref="Script"/> until the handler has returned.</summary>
/// <param name="Script">The moment.</param>
/// <param name="Name">
/// CRIU's word for it, also when <paramref name="Script"/> is <see cref="CriuScript.Unknown"/>.
/// </param>
/// <param name="Pid">
/// The root process, as CRIU sees it. CRIU tells it only at <see cref="CriuScript.SetupNamespaces"/> and
/// <see cref="CriuScript.PostRestore"/>.
/// </param>
public sealed record CriuNotification(CriuScript Script, string Name, int? Pid);

/// <summary>
/// Called at each <see cref="CriuScript"/>. An exception answers "no"; what CRIU makes of that depends on the moment.
/// The token is cancelled when the request is, or when its deadline has passed.
/// </summary>
public delegate Task CriuScriptHandler(CriuNotification notification, CancellationToken cancellationToken);
