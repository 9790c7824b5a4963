namespace Nvwa.Criu.Protocol;

/// <summary>CRIU's words for its moments.</summary>
internal static class Words
{
    public static CriuScript Script(string name) => name switch
    {
        "pre-stream" => CriuScript.PreStream,
        "pre-dump" => CriuScript.PreDump,
        "post-dump" => CriuScript.PostDump,
        "pre-restore" => CriuScript.PreRestore,
        "post-restore" => CriuScript.PostRestore,
        "network-lock" => CriuScript.NetworkLock,
        "network-unlock" => CriuScript.NetworkUnlock,
        "setup-namespaces" => CriuScript.SetupNamespaces,
        "post-setup-namespaces" => CriuScript.PostSetupNamespaces,
        "pre-resume" => CriuScript.PreResume,
        "post-resume" => CriuScript.PostResume,
        "orphan-pts-master" => CriuScript.OrphanPtsMaster,
        "status-ready" => CriuScript.StatusReady,
        "query-ext-files" => CriuScript.QueryExternalFiles,
        _ => CriuScript.Unknown,
    };
}
