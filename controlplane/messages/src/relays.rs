//! Relays that media of calls goes through.

crate::messages! {
    /// No answer.
    Error RELAY_DOWN
        "Relay {relay} does not answer", "リレー {relay} が応答しません";
        because "It was asked several times over MGCP; new calls go through the others, if there are any",
            "MGCP で数回問い合わせましたが応答がありません。新しい通話は、あれば他のリレーを使用します";
        cure "Check that `ringfence-datad` runs there, that its `call_agents` name this server, and UDP port 2427 in between",
            "`ringfence-datad` が動作し、その `call_agents` にこのサーバが含まれ、間の UDP ポート 2427 が通ることを確認してください";

    /// It is back.
    Notice RELAY_UP
        "Relay {relay} answers again", "リレー {relay} が再び応答しています";
        because "It takes new calls from now on", "これより新しい通話を受け付けます";
        cure "Nothing is to be done", "対処は不要です";

    /// It goes.
    Notice RELAY_LEAVING
        "Relay {relay} goes out of service", "リレー {relay} がサービスを停止します";
        because "It has announced so: new calls go through the others, and calls there move to them",
            "停止が通知されました。新しい通話は他のリレーを使用し、既存の通話も移行します";
        cure "Start `ringfence-datad` there when the work on it is done",
            "作業が終わったら `ringfence-datad` を起動してください";

    /// It is new.
    Error RELAY_RESTARTED
        "Relay {relay} has restarted with {streams} streams lost", "リレー {relay} が再起動し、{streams} 個のストリームが失われました";
        because "It has announced so over MGCP; the streams are opened anew, under new keys",
            "MGCP で再起動が通知されました。ストリームは新しい鍵で開き直されます";
        cure "If nobody restarted it, look into its log",
            "意図しない再起動の場合は、ログを確認してください";

    /// It does not do as it is told.
    Error RELAY_UNFIT
        "Relay {relay} cannot be used: {what}", "リレー {relay} は使用できません: {what}";
        because "Its answer is not what the command asked for", "応答が命令の内容と一致しません";
        cure "Check that it is `ringfence-datad` of the same release, and what its section [datad.gateway] says of SRTP",
            "同じリリースの `ringfence-datad` であること、[datad.gateway] セクションの SRTP 設定を確認してください";

    /// Nothing is heard.
    Notice MEDIA_SILENT
        "Nothing comes from stream {stream} of call {call}", "通話 {call} のストリーム {stream} から何も届きません";
        because "Relay {relay} has received nothing from the device for a while",
            "リレー {relay} はしばらくデバイスから何も受信していません";
        cure "If its user is not heard, check the network between the device and the relay",
            "音声が聞こえない場合は、デバイスとリレーの間のネットワークを確認してください";
}
